/** What ffprobe says of the demo's video, in a line. */
import { runProgram } from './install/run-program.js';

interface Probe {
  streams: { codec_type: string; codec_name: string; width?: number; height?: number; avg_frame_rate: string }[];
  format: { duration: string; size: string };
}

/** @throws when ffprobe cannot read the file, or it holds no picture */
export async function describeVideo(file: string, ffprobePath: string | undefined): Promise<string> {
  const asked = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', file];
  const { code, output, tail } = await runProgram(ffprobePath || 'ffprobe', asked);
  if (code !== 0) throw new Error(`ffprobe cannot read ${file}: ${tail}`);
  const { streams, format } = JSON.parse(output) as Probe;
  const picture = streams.find((stream) => stream.codec_type === 'video');
  if (picture === undefined) throw new Error(`Expected a picture in ${file}, saw none`);
  const sound = streams.find((stream) => stream.codec_type === 'audio');
  const [frames, seconds] = picture.avg_frame_rate.split('/').map(Number);
  const rate = (frames ?? 0) / (seconds || 1);
  return [
    `${picture.codec_name} ${picture.width} x ${picture.height}`,
    `${Number(rate.toFixed(3))} fps`,
    `${Number(format.duration).toFixed(3)} s`,
    sound === undefined ? 'no sound' : `sound ${sound.codec_name}`,
    `${(Number(format.size) / 1e6).toFixed(1)} MB`,
  ].join(', ');
}
