import type { AudioStream, VideoStream } from '../probe/media-probe.js';
import type { ClipProbe } from '../probe/probe-clip.js';
import type { FrameScan } from '../probe/scan-frames.js';

/** How a probed clip is unlike the usual one: 8 s of H.264 High in full HD at 24 frames a second, silent. */
export interface Unlike {
  video?: Partial<VideoStream>;
  scan?: Partial<FrameScan>;
  audio?: Partial<AudioStream>;
  startSeconds?: number;
}

/** What `probeClip` says of a clip, without a file. */
export function probed({ video, scan, audio, startSeconds = 0 }: Unlike = {}): ClipProbe {
  const frameRate = video?.frameRate ?? { num: 24, den: 1 };
  const seconds = scan?.seconds ?? 8;
  const frames = scan?.frames ?? Math.round((seconds * frameRate.num) / frameRate.den);
  return {
    formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
    startSeconds,
    durationSeconds: seconds,
    sizeBytes: 1,
    video: {
      codec: 'h264',
      profile: 'High',
      width: 1920,
      height: 1080,
      frameRate,
      timeBase: { num: 1, den: 24_000 },
      pixelFormat: 'yuv420p',
      sampleAspectRatio: '1:1',
      rotation: 0,
      durationSeconds: seconds,
      frameCount: frames,
      setup: 'SHA256:one',
      ...video,
    },
    ...(audio && {
      audio: {
        codec: 'aac',
        sampleRate: 48_000,
        channels: 2,
        channelLayout: 'stereo',
        durationSeconds: seconds,
        ...audio,
      },
    }),
    scan: {
      streamIndex: 0,
      frames,
      hiddenFrames: 0,
      startSeconds: 0,
      seconds,
      lastFrameSeconds: frameRate.den / frameRate.num,
      offSeconds: 0,
      steady: true,
      startsWithKeyFrame: true,
      keyFrames: [0],
      ...scan,
    },
  };
}
