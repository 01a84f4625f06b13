import { MUSIC_SOUND, type MusicPlan } from '../plan/music-plan.js';

const { sampleRate } = MUSIC_SOUND;

/** Quieter clips are surroundings, which music need not stay below. */
const CLIPS_AT_LEAST_LUFS = -27;
/** Music this much below the clips' sound is heard beside it and does not lead. */
const UNDER_CLIPS_LU = 4;
/** Music quieter than this is silence or noise. */
const MUSIC_AT_LEAST_LUFS = -60;

/** By how much music is lowered under speech. */
export const DUCK_DB = 11;
/** The clips' sound counts as speech where its voice band is no further below their loudness than this. */
const SPEECH_BELOW_LU = 14;
/** Twice two poles at either end: 24 dB an octave. Voice as telephones pass it; rumble and most wind lie below. */
const VOICE_BAND = 'highpass=f=300,highpass=f=300,lowpass=f=3500,lowpass=f=3500';

/** A video's length in samples of the mix. */
export function samplesOf(frames: number, frameRate: { num: number; den: number }): number {
  return Math.round((frames * frameRate.den * sampleRate) / frameRate.num);
}

/** From label `from`: the music in the mix's format, exactly `samples` long, faded at both ends. Ends without a label. */
export function fitFilter(plan: MusicPlan, samples: number, from: string): string {
  const at = (seconds: number): number => Math.round(seconds * sampleRate);
  const format = `aresample=${sampleRate},aformat=sample_fmts=fltp:channel_layouts=stereo`;
  // Counted by samples: a music file's time stamps may have gaps, its sound has none.
  const music = `${from}asetpts=N/SR/TB,${format}`;
  const [fadeIn, fadeOut] = [at(plan.fadeInSeconds), at(plan.fadeOutSeconds)];
  const fades = `afade=t=in:ss=0:ns=${fadeIn},afade=t=out:ss=${samples - fadeOut}:ns=${fadeOut}`;
  const fitted = `apad=whole_len=${samples},atrim=end_sample=${samples},${fades}`;
  if (plan.fit !== 'looped') return `${music},${fitted}`;
  return `${loopFilter(music, plan, at(plan.seconds), at(plan.crossfadeSeconds))},${fitted}`;
}

/**
 * The music once up to its last part; as often as it is played again, its last part going over into its beginning and
 * so on; and its last part. Only one such round is held in memory, however often it is played.
 */
function loopFilter(music: string, { plays }: MusicPlan, whole: number, crossfade: number): string {
  const body = whole - crossfade;
  const last = `atrim=start_sample=${body},asetpts=PTS-STARTPTS`;
  return [
    `${music},apad=whole_len=${whole},atrim=end_sample=${whole},asplit=4[once][before][after][rest]`,
    `[once]atrim=end_sample=${body}[first]`,
    `[before]${last}[ending]`,
    `[after]atrim=end_sample=${body}[beginning]`,
    // Two unlike moments of a piece: curves of equal power keep the level.
    `[ending][beginning]acrossfade=ns=${crossfade}:c1=qsin:c2=qsin,aloop=loop=${plays - 2}:size=${body}[rounds]`,
    `[rest]${last}[last]`,
    '[first][rounds][last]concat=n=3:v=0:a=1',
  ].join(';');
}

/** The gain that puts music of one loudness under clips of another, both in LUFS. */
export function musicGainDb(musicLufs: number, clipsLufs: number): number {
  if (musicLufs < MUSIC_AT_LEAST_LUFS) return 0;
  return Math.round((Math.max(clipsLufs, CLIPS_AT_LEAST_LUFS) - UNDER_CLIPS_LU - musicLufs) * 100) / 100;
}

/**
 * From the clips' sound, input 0, and the fitted music, input 1: both together, the music lowered where the clips speak.
 * The voice band opens a gate, and what comes through presses the music down as far as it goes, so that the depth does
 * not depend on how loud somebody speaks. Ends without a label.
 */
export function mixFilter(gainDb: number, clipsLufs: number): string {
  const opensAt = 10 ** ((Math.max(clipsLufs, CLIPS_AT_LEAST_LUFS) - SPEECH_BELOW_LU) / 20);
  // Slow enough not to open for a knock; open long enough not to close between syllables.
  const gate = `agate=threshold=${opensAt.toFixed(6)}:ratio=9000:range=0:attack=20:release=200:knee=1:detection=rms`;
  const pressed = 'threshold=0.001:ratio=20:knee=1:level_sc=4:attack=60:release=350';
  const wet = (1 - 10 ** (-DUCK_DB / 20)).toFixed(4);
  return [
    '[0:a:0]asplit=2[clips][heard]',
    `[heard]aformat=sample_fmts=dblp,${VOICE_BAND},${gate}[voice]`,
    `[1:a:0]volume=${gainDb}dB:precision=double[music]`,
    `[music][voice]sidechaincompress=${pressed}:mix=${wet}[ducked]`,
    '[clips][ducked]amix=inputs=2:normalize=0',
  ].join(';');
}
