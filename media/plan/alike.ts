import { formatRational } from '../ffmpeg/rational.js';
import type { AudioStream, MediaProbe, VideoStream } from '../probe/media-probe.js';

/** One property in which a clip is not like the first one. */
export interface ClipDifference {
  /** Counted from 1, in the order given. */
  clip: number;
  property: string;
  /** What the first clip has. */
  expected: string;
  seen: string;
}

type Properties = Record<string, string>;

/**
 * Lists what keeps clips from being joined without re-encoding, each compared with the first: codec, profile (where
 * both state one), size, rotation, frame rate, time base, pixel format and shape, and the sound's presence, codec,
 * sample rate and channels. Empty when they are alike.
 */
export function whatDiffers(probes: readonly MediaProbe[]): ClipDifference[] {
  const [first, ...others] = probes;
  if (first === undefined) return [];
  return others.flatMap((other, index) => {
    const expected = properties(first, other);
    const seen = properties(other, first);
    return Object.keys({ ...expected, ...seen })
      .filter((property) => expected[property] !== seen[property])
      .map((property) => ({
        clip: index + 2,
        property,
        expected: expected[property] ?? 'none',
        seen: seen[property] ?? 'none',
      }));
  });
}

/** The properties of `probe` that can be compared with `other`: those of a stream that only one has are left out. */
function properties(probe: MediaProbe, other: MediaProbe): Properties {
  return {
    video: probe.video ? 'present' : 'none',
    ...(probe.video && other.video && videoProperties(probe.video, other.video)),
    audio: probe.audio ? 'present' : 'none',
    ...(probe.audio && other.audio && audioProperties(probe.audio)),
  };
}

function videoProperties(video: VideoStream, other: VideoStream): Properties {
  return {
    videoCodec: video.codec,
    ...(video.profile !== undefined && other.profile !== undefined && { profile: video.profile }),
    size: `${video.width}x${video.height}`,
    rotation: `${video.rotation}`,
    frameRate: formatRational(video.frameRate),
    timeBase: formatRational(video.timeBase),
    pixelFormat: video.pixelFormat,
    sampleAspectRatio: video.sampleAspectRatio,
  };
}

function audioProperties(audio: AudioStream): Properties {
  return { audioCodec: audio.codec, sampleRate: `${audio.sampleRate}`, channels: `${audio.channels}` };
}
