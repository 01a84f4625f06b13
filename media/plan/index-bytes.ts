/** What an MP4's index says of each frame of picture: length, shift, size, key or not, and whether others refer to it. */
const FRAME_BYTES = 8 + 8 + 4 + 4 + 1;
/** Where packets lie that are stored in one piece: their place, and how many they are. */
const CHUNK_BYTES = 8 + 12;
/** A packet of sound states its size alone, since all last equally long. */
const SOUND_PACKET_BYTES = 4;
/** What packets of AAC hold. */
const AAC_FRAME_SAMPLES = 1024;
/** All that does not grow with the length, the decoders' setups among it: mostly less than 2 KB. */
const FIXED_BYTES = 8 * 1024;

/**
 * How many bytes the index (`moov`) of an MP4 takes at most, by the boxes of ISO/IEC 14496-12, 8.6 and 8.7: each frame in a
 * piece of its own, with the sound that belongs to it in another.
 */
export function mostIndexBytes(frames: number, sound?: { seconds: number; sampleRate: number }): number {
  const picture = frames * (FRAME_BYTES + CHUNK_BYTES);
  if (sound === undefined) return FIXED_BYTES + picture;
  const packets = Math.ceil((sound.seconds * sound.sampleRate) / AAC_FRAME_SAMPLES) + 2;
  return FIXED_BYTES + picture + (frames + 1) * CHUNK_BYTES + packets * SOUND_PACKET_BYTES;
}
