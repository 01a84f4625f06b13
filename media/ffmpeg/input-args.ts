import { resolve } from 'node:path';

/**
 * The containers that may be read, by ffmpeg's demuxer names. A file's name and content type prove nothing: a playlist
 * (HLS, DASH, ffconcat) named clip.mp4 would make ffmpeg open other local files or other hosts, so what is not here is
 * refused before its content is interpreted.
 */
const CONTAINERS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mp3,wav,flac,ogg,aac';

/** Local files only: no input can make a tool open a connection. */
const PROTOCOLS = 'file,pipe';

/** Names a file so that neither a leading dash nor a colon in its name is taken for an option or a protocol. */
export function fileUrl(path: string): string {
  return `file:${resolve(path)}`;
}

/** The arguments that open one media file as the next input of ffmpeg, or as the input of ffprobe. */
export function inputArgs(path: string): string[] {
  return ['-protocol_whitelist', PROTOCOLS, '-format_whitelist', CONTAINERS, '-i', fileUrl(path)];
}

/**
 * The arguments that open an ffconcat script written by us as the next input. The allow-lists go over to the files it
 * names, and the script format must be on them: probe each of those files first, so that none is a script itself.
 */
export function concatInputArgs(path: string): string[] {
  const allowed = ['-protocol_whitelist', PROTOCOLS, '-format_whitelist', `concat,${CONTAINERS}`];
  return [...allowed, '-f', 'concat', '-safe', '0', '-i', fileUrl(path)];
}
