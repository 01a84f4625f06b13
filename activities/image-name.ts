const MAX_CHARACTERS = 200;
/** What a name must not hold, and what Postgres cannot. */
const UNFIT = /[\p{Cc}\p{Surrogate}]/gu;

/** What an image from this address is called: the last part of its path, or `image` where it has none. */
export function nameOfImage(address: string): string {
  const part = new URL(address).pathname.split('/').at(-1) ?? '';
  const name = Array.from(decoded(part).replace(UNFIT, '').trim()).slice(0, MAX_CHARACTERS).join('').trim();
  return name === '' ? 'image' : name;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // An address may hold a per cent sign that begins nothing.
    return part;
  }
}
