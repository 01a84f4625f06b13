import { rm } from 'node:fs/promises';
import { type ClipOptions, ffmpeg, makeClip } from './media-files.js';

/** A clip of one plain colour, unlike others in what is named here. */
export interface Variant extends ClipOptions {
  /** Degrees by which a player turns the picture. */
  rotate?: number;
  /** Seconds of picture that an edit list hides at the beginning. */
  hidden?: number;
  /** Seconds by which the picture begins after the sound. */
  latePicture?: number;
  /** The sound is the file's first stream. */
  soundFirst?: boolean;
  container?: string;
}

const FULL_HD_LIKE = { size: '320x180', seconds: 1 } as const;

/** Makes it as `<stem>.<container>` and returns the path. */
export async function makeVariant(stem: string, variant: Variant): Promise<string> {
  const { rotate, hidden, latePicture, soundFirst, container = 'mp4', ...options } = variant;
  const path = `${stem}.${container}`;
  const clip = { ...FULL_HD_LIKE, ...options };
  if (rotate === undefined && hidden === undefined && latePicture === undefined && soundFirst === undefined) {
    return await makeClip(path, clip);
  }
  const plain = await makeClip(`${stem}-plain.${container}`, clip);
  const turn = rotate === undefined ? [] : ['-metadata:s:v', `rotate=${rotate}`];
  const seek = hidden === undefined ? [] : ['-ss', String(hidden)];
  const again = latePicture === undefined ? [] : ['-itsoffset', String(latePicture), '-i', plain];
  const maps = again.length > 0 ? ['-map', '1:v', '-map', '0:a'] : ['-map', '0'];
  const order = soundFirst ? ['-map', '0:a', '-map', '0:v'] : maps;
  await ffmpeg('-v', 'error', ...seek, '-i', plain, ...again, ...order, '-c', 'copy', ...turn, path);
  await rm(plain);
  return path;
}

const tags = (transfer: string): string[] =>
  `-profile:v high10 -color_primaries bt2020 -colorspace bt2020nc -color_trc ${transfer}`.split(' ');

/** Frames two of three, each shown until the next one. */
export const VARIABLE_RATE = ['-vf', "select='not(eq(mod(n,3),1))'", '-vsync', 'vfr'];
export const TEN_BIT = { pixelFormat: 'yuv420p10le', extra: ['-profile:v', 'high10'] };
export const HLG = { pixelFormat: 'yuv420p10le', extra: tags('arib-std-b67') };
export const PQ = { pixelFormat: 'yuv420p10le', extra: tags('smpte2084') };
