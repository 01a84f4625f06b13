/** What `?v=` says of a stored file: other bytes have another version. */
export const mediaVersion = (sha256: string): string => sha256.slice(0, 12);
