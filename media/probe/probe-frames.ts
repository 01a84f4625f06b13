import type { MediaTools } from '../ffmpeg/media-tools.js';
import { parseRational } from '../ffmpeg/rational.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { REPORT_ENTRIES, readReport } from './ffprobe-report.js';
import type { MediaProbe } from './media-probe.js';
import { askFfprobe } from './probe.js';
import { type Packet, readPacket, scanFrames } from './scan-frames.js';

/** What a file says of itself and of all its packets. */
export interface ProbedFrames {
  seen: MediaProbe;
  /** Says when the frames of its picture are shown, once given what the picture is or is meant to be. */
  scanOf: Awaited<ReturnType<typeof scanFrames>>;
  /** When the last packet of its first sound ends, on the file's clock; 0 without one. */
  soundEndSeconds: number;
}

const ENTRIES = [
  'packet=stream_index,pts,duration,flags,pos,size',
  'stream=index,is_avc,nal_length_size',
  REPORT_ENTRIES,
].join(':');

/**
 * Says what `probe` says and reads the times of all packets, without decoding any, in one run of ffprobe: starting it
 * takes longer than its work. `setup` is left out of it where `withSetup` is false: a tenth of the run. Throws as `probe`.
 */
export async function probeFrames(
  tools: MediaTools,
  path: string,
  { withSetup = true, ...limits }: RunLimits & { withSetup?: boolean } = {},
): Promise<ProbedFrames> {
  const packets = new Map<number, Packet[]>();
  const onPacket = (index: number, packet: Packet): void => {
    const known = packets.get(index);
    if (known === undefined) packets.set(index, [packet]);
    else known.push(packet);
  };
  const reader = packetReader(onPacket);
  // The hash is taken of each packet too, so that a slow one would be felt.
  const hash = withSetup ? ['-show_data_hash', 'murmur3'] : [];
  const options = ['-print_format', 'json=compact=1', '-show_entries', ENTRIES, ...hash];
  const report = await askFfprobe(tools, path, options, { ...limits, onStdout: reader.read }, () => ({
    seen: readReport(reader.rest()),
    streams: (JSON.parse(reader.rest()) as { streams: RawStream[] }).streams,
  }));
  const picture = report.streams.find((one) => one.codec_type === 'video' && one.disposition?.attached_pic !== 1);
  const sound = report.streams.find((one) => one.codec_type === 'audio');
  const packetsOf = (stream: RawStream | undefined): Packet[] => packets.get(Number(stream?.index)) ?? [];
  const told = Object.entries(picture ?? {}).map(([key, value]) => [key, String(value)] as const);
  return {
    seen: report.seen,
    scanOf: await scanFrames(path, packetsOf(picture), Object.fromEntries(told)),
    soundEndSeconds: endOf(packetsOf(sound), sound),
  };
}

interface RawStream {
  index: number;
  codec_type?: string;
  time_base?: string;
  disposition?: { attached_pic?: number };
}

function endOf(packets: readonly Packet[], stream: RawStream | undefined): number {
  const { num, den } = parseRational(stream?.time_base) ?? { num: 0, den: 1 };
  return packets.reduce((latest, { pts = 0, duration = 0 }) => Math.max(latest, ((pts + duration) * num) / den), 0);
}

/**
 * Takes the packets out of ffprobe's JSON as it comes, one on each line, so that it need not be kept; the rest is small.
 */
function packetReader(onPacket: (streamIndex: number, packet: Packet) => void) {
  let rest = '';
  let line = '';
  let inPackets = false;
  const onLine = (text: string): void => {
    if (inPackets) inPackets = !/^ {4}\]/.test(text);
    else if (text.includes('"packets": [')) {
      inPackets = true;
      rest += text;
      return;
    }
    if (!inPackets) {
      rest += `${text}\n`;
      return;
    }
    const fields = Object.fromEntries([...text.matchAll(FIELD)].map(([, key, value]) => [key, value]));
    // Side data of a packet stands on lines of its own.
    if (fields['stream_index'] !== undefined) onPacket(Number(fields['stream_index']), readPacket(fields));
  };
  return {
    read(text: string): void {
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const one of lines) onLine(one);
    },
    rest: (): string => rest + line,
  };
}

const FIELD = /"(\w+)": "?([^",}\s]+)/g;
