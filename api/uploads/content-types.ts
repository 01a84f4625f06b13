/** Content types by the bytes or by ffmpeg's name of the container, and the file names that go with them. */

const ascii = (head: Buffer, start: number, end: number): string => head.toString('latin1', start, end);

/** ffmpeg reads MP4 and MOV by one demuxer, WebM and Matroska by another: the first bytes tell them apart. */
export function videoType(formatName: string, head: Buffer): string | undefined {
  const names = formatName.split(',');
  if (names.includes('mp4')) return ascii(head, 4, 12) === 'ftypqt  ' ? 'video/quicktime' : 'video/mp4';
  if (names.includes('matroska')) return head.includes('webm') ? 'video/webm' : 'video/x-matroska';
  return undefined;
}

const SOUNDS: Record<string, string> = {
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
  flac: 'audio/flac',
  mp4: 'audio/mp4',
};

export function soundType(formatName: string): string | undefined {
  const name = formatName.split(',').find((candidate) => candidate in SOUNDS);
  return name === undefined ? undefined : SOUNDS[name];
}

/** Text is only a guess here: its bytes are still to be read. */
export function documentType(head: Buffer): string {
  return ascii(head, 0, 5) === '%PDF-' ? 'application/pdf' : 'text/plain; charset=utf-8';
}

const EXTENSIONS: Record<string, readonly [string, ...string[]]> = {
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
  'image/webp': ['webp'],
  'image/gif': ['gif'],
  'video/mp4': ['mp4', 'm4v'],
  'video/quicktime': ['mov'],
  'video/webm': ['webm'],
  'video/x-matroska': ['mkv'],
  'audio/mpeg': ['mp3'],
  'audio/wav': ['wav'],
  'audio/ogg': ['ogg', 'oga', 'opus'],
  'audio/aac': ['aac'],
  'audio/flac': ['flac'],
  'audio/mp4': ['m4a', 'mp4'],
  'application/pdf': ['pdf'],
  'text/plain; charset=utf-8': ['txt', 'md', 'csv', 'text'],
};

/** What a file of this name and type is saved as: with the type's extension, where the name has none of its own. */
export function fileNameFor(name: string, contentType: string): string {
  const extensions = EXTENSIONS[contentType];
  if (extensions === undefined || extensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`)))
    return name;
  return `${name}.${extensions[0]}`;
}
