/**
 * The W3C trace context (w3.org/TR/trace-context) as the workflow sandbox reads it. Loaded by workflow code, so: no Node
 * built-ins, and not OpenTelemetry's SDK, of which every cached workflow would hold a copy.
 */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  isSampled: boolean;
}

const PATTERN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined for what is no `traceparent` of version 00, or one of zeros. */
export function parseTraceParent(text: unknown): TraceParent | undefined {
  const match = typeof text === 'string' ? PATTERN.exec(text) : null;
  const [, traceId = '', spanId = '', flags = ''] = match ?? [];
  if (match === null || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const formatTraceParent = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

/**
 * The id of a span that is the same in every replay: FNV-1a, 64 bits, of what names it. It draws no random numbers, of
 * which the workflow's own would otherwise become others.
 */
export function spanIdOf(name: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const sign of name) hash = BigInt.asUintN(64, (hash ^ BigInt(sign.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return (hash === 0n ? 1n : hash).toString(16).padStart(16, '0');
}
