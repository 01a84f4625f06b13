import { describe, expect, it } from 'vitest';
import { probed } from '../test-support/probed-clips.js';
import { planExport } from './export-plan.js';

const sound = { audio: {} };

describe('planExport', () => {
  it.each([
    [{ width: 1920, height: 1080 }, 'low', '854x480'],
    [{ width: 1920, height: 1080 }, 'medium', '1280x720'],
    [{ width: 1920, height: 1080 }, 'high', '1920x1080'],
    [{ width: 1080, height: 1920 }, 'low', '480x854'],
    [{ width: 1366, height: 768 }, 'medium', '1280x720'],
    [{ width: 640, height: 360 }, 'low', '640x360'],
    [{ width: 640, height: 360 }, 'medium', '640x360'],
    [{ width: 1920, height: 1080, rotation: 90 }, 'low', '480x854'],
  ] as const)('makes of %o in %s quality a picture of %s: even, in shape, and never larger', (video, quality, size) => {
    const { width, height } = planExport(probed({ video }), { format: 'webm', quality });
    expect(`${width}x${height}`).toBe(size);
  });

  it.each(['mp4', 'mov'] as const)('copies into %s in high quality what our own videos are', (format) => {
    const plan = planExport(probed(sound), { format, quality: 'high' });
    expect(plan).toMatchObject({ picture: 'copy', videoCodec: 'h264', audioCodec: 'aac', encoders: [] });
    expect(plan.output.slice(0, 6)).toEqual(['-map', '0:V:0', '-map', '0:a:0', '-c', 'copy']);
    expect(plan.output).toContain('+faststart');
  });

  it.each([
    ['another codec', { video: { codec: 'vp9' } }],
    ['pictures that few players take', { video: { pixelFormat: 'yuv444p' } }],
    ['another sound', { audio: { codec: 'mp3' } }],
  ])('encodes %s also in high quality', (_what, unlike) => {
    expect(planExport(probed(unlike), { format: 'mp4', quality: 'high' }).picture).toBe('encode');
  });

  it('makes VP9 and Opus of a webm, and names the encoders that this needs', () => {
    const plan = planExport(probed(sound), { format: 'webm', quality: 'high' });
    expect(plan).toMatchObject({ picture: 'encode', videoCodec: 'vp9', audioCodec: 'opus' });
    expect(plan.encoders).toEqual(['libvpx-vp9', 'libopus']);
    expect(planExport(probed(), { format: 'webm', quality: 'low' }).encoders).toEqual(['libvpx-vp9']);
  });

  it('leaves a silent video silent', () => {
    const plan = planExport(probed(), { format: 'mp4', quality: 'low' });
    expect(plan.audioCodec).toBeUndefined();
    expect(plan.output).toContain('-an');
  });

  it('says the colours that players see in a video that does not, which its new size would change', () => {
    const matrixOf = (video: object): string | undefined => {
      const { output } = planExport(probed({ video }), { format: 'mp4', quality: 'low' });
      return output[output.indexOf('-colorspace') + 1];
    };
    expect(matrixOf({})).toBe('bt709');
    expect(matrixOf({ width: 640, height: 360 })).toBe('smpte170m');
    expect(matrixOf({ colour: { matrix: 'smpte170m' } })).toBe('smpte170m');
  });
});
