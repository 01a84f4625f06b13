import { describe, expect, it } from 'vitest';
import type { AudioStream, MediaProbe, VideoStream } from '../probe/media-probe.js';
import { whatDiffers } from './alike.js';

const video: VideoStream = {
  codec: 'h264',
  profile: 'High',
  width: 1920,
  height: 1080,
  frameRate: { num: 24, den: 1 },
  timeBase: { num: 1, den: 24_000 },
  pixelFormat: 'yuv420p',
  sampleAspectRatio: '1:1',
  rotation: 0,
  durationSeconds: 8,
  frameCount: 192,
};
const audio: AudioStream = {
  codec: 'aac',
  sampleRate: 48_000,
  channels: 2,
  channelLayout: 'stereo',
  durationSeconds: 8,
};
const file = { formatName: 'mov,mp4,m4a,3gp,3g2,mj2', startSeconds: 0, durationSeconds: 8, sizeBytes: 1 };

const clip = (change: Partial<VideoStream> = {}): MediaProbe => ({ ...file, video: { ...video, ...change } });
const clipWithSound = (change: Partial<AudioStream> = {}): MediaProbe => ({
  ...clip(),
  audio: { ...audio, ...change },
});

describe('whatDiffers', () => {
  it.each<{ what: string; other: MediaProbe; property: string; expected: string; seen: string }>([
    { what: 'codec', other: clip({ codec: 'hevc' }), property: 'videoCodec', expected: 'h264', seen: 'hevc' },
    { what: 'profile', other: clip({ profile: 'Main' }), property: 'profile', expected: 'High', seen: 'Main' },
    { what: 'width', other: clip({ width: 1280 }), property: 'size', expected: '1920x1080', seen: '1280x1080' },
    { what: 'height', other: clip({ height: 720 }), property: 'size', expected: '1920x1080', seen: '1920x720' },
    { what: 'rotation', other: clip({ rotation: 90 }), property: 'rotation', expected: '0', seen: '90' },
    {
      what: 'frame rate',
      other: clip({ frameRate: { num: 24_000, den: 1001 } }),
      property: 'frameRate',
      expected: '24/1',
      seen: '24000/1001',
    },
    {
      what: 'time base',
      other: clip({ timeBase: { num: 1, den: 12_288 } }),
      property: 'timeBase',
      expected: '1/24000',
      seen: '1/12288',
    },
    {
      what: 'pixel format',
      other: clip({ pixelFormat: 'yuv444p' }),
      property: 'pixelFormat',
      expected: 'yuv420p',
      seen: 'yuv444p',
    },
    {
      what: 'pixel shape',
      other: clip({ sampleAspectRatio: '4:3' }),
      property: 'sampleAspectRatio',
      expected: '1:1',
      seen: '4:3',
    },
    { what: 'a sound of its own', other: clipWithSound(), property: 'audio', expected: 'none', seen: 'present' },
    { what: 'no picture', other: file, property: 'video', expected: 'present', seen: 'none' },
  ])('names the one difference of a clip in $what', ({ other, property, expected, seen }) => {
    expect(whatDiffers([clip(), clip(), other])).toEqual([{ clip: 3, property, expected, seen }]);
  });

  it.each<{ what: string; other: MediaProbe; property: string; expected: string; seen: string }>([
    { what: 'a missing sound', other: clip(), property: 'audio', expected: 'present', seen: 'none' },
    { what: 'codec', other: clipWithSound({ codec: 'opus' }), property: 'audioCodec', expected: 'aac', seen: 'opus' },
    {
      what: 'sample rate',
      other: clipWithSound({ sampleRate: 44_100 }),
      property: 'sampleRate',
      expected: '48000',
      seen: '44100',
    },
    { what: 'channels', other: clipWithSound({ channels: 1 }), property: 'channels', expected: '2', seen: '1' },
  ])('names the one difference of a sound in $what', ({ other, property, expected, seen }) => {
    expect(whatDiffers([clipWithSound(), other])).toEqual([{ clip: 2, property, expected, seen }]);
  });

  it('finds nothing in clips that differ only in length, or in what one of them does not state', () => {
    const { profile: _, ...unstated } = video;
    const others = [
      clip({ durationSeconds: 4, frameCount: 96 }),
      { ...file, video: unstated },
      clip({ frameRate: { num: 48, den: 2 } }),
    ];
    expect(whatDiffers([clip(), ...others])).toEqual([]);
    expect(whatDiffers([clipWithSound(), clipWithSound({ durationSeconds: 4 })])).toEqual([]);
  });

  it('lists every difference of every clip, in order', () => {
    const found = whatDiffers([clip(), clip({ width: 1280, height: 720, pixelFormat: 'yuv444p' }), clipWithSound()]);
    expect(found.map(({ clip: number, property }) => [number, property])).toEqual([
      [2, 'size'],
      [2, 'pixelFormat'],
      [3, 'audio'],
    ]);
  });

  it('finds nothing in one clip or none', () => {
    expect(whatDiffers([])).toEqual([]);
    expect(whatDiffers([clip()])).toEqual([]);
  });
});
