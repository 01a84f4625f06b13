/** Armed faults: what goes wrong next, and for which predictions. They are kept on disk until they have struck. */
import { z } from 'zod';
import { newId } from './ids.js';
import { readJsonFile, writeJsonFile } from './json-files.js';
import { type InvalidField, inputValidationFailed } from './problems.js';

const delayMs = (value: number) => z.number().int().min(0).max(86_400_000).default(value);
/** Which requests an http fault strikes. */
const on = z.enum(['create', 'get', 'list', 'cancel', 'files', 'download']).default('create');
const common = {
  match: z
    .strictObject({ model: z.string().min(1).optional(), promptIncludes: z.string().min(1).optional() })
    .default({}),
  /** How often it strikes; -1 is until the faults are cleared. */
  times: z
    .number()
    .int()
    .refine((times) => times === -1 || times >= 1, 'expected 1 or more, or -1 (until cleared)')
    .default(1),
};
const of = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.strictObject({ fault: z.literal(name), ...common, ...shape });

const faultSchema = z.discriminatedUnion('fault', [
  of('http-429', { on, retryAfterSeconds: z.number().int().min(0).max(3600).default(1) }),
  of('http-500', { on }),
  of('http-402', {}),
  of('created-500', {}),
  of('lost-answer', {}),
  of('list-lag', { delayMs: delayMs(10_000) }),
  of('input-erased', {}),
  of('fail', { error: z.string().min(1).default('An unknown error occurred. (E1000)') }),
  of('hang', {}),
  of('slow', { delayMs: delayMs(5_000) }),
  of('no-webhook', {}),
  of('duplicate-webhook', {}),
  of('late-webhook', { delayMs: delayMs(5_000) }),
  /** `bytes`: how many are sent before the connection is cut; absent: half. */
  of('truncated-file', { bytes: z.number().int().min(0).optional() }),
  of('expired-output', {}),
  of('aborted', {}),
]);

export type FaultOrder = z.infer<typeof faultSchema>;
export type FaultKind = FaultOrder['fault'];
export type RequestKind = z.infer<typeof on>;
export type ArmedFault = FaultOrder & { id: string; remaining: number; struck: number; armedAt: string };
/** What of a fault stays with the prediction that it struck. */
export type BoundFault = FaultOrder;

/** Faults that a prediction gets at its creation and keeps. */
const BOUND_AT_CREATION: readonly FaultKind[] = [
  'created-500',
  'lost-answer',
  'list-lag',
  'input-erased',
  'fail',
  'hang',
  'slow',
  'no-webhook',
  'duplicate-webhook',
  'late-webhook',
  'expired-output',
  'aborted',
];

/** Who a fault may strike. Requests that concern no single prediction have neither model nor prompt. */
export interface FaultSubject {
  model?: string;
  prompt?: string;
}

/** Throws a 422 problem that names every refused field. */
export function parseFault(body: unknown): FaultOrder {
  const parsed = faultSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems: InvalidField[] = parsed.error.issues.map((issue) => ({
    type: issue.code,
    field: issue.path.join('.'),
    description: issue.path[0] === 'fault' ? `expected one of ${faultKinds().join(', ')}` : issue.message,
  }));
  throw inputValidationFailed(problems);
}

export function faultKinds(): FaultKind[] {
  return faultSchema.options.map((option) => option.shape.fault.value);
}

function matches(fault: ArmedFault, subject: FaultSubject): boolean {
  const { model, promptIncludes } = fault.match;
  if (model !== undefined && subject.model !== model && subject.model?.split('/')[1] !== model) return false;
  return promptIncludes === undefined || subject.prompt?.includes(promptIncludes) === true;
}

export class FaultBoard {
  readonly #path: string;
  #armed: ArmedFault[];

  constructor(path: string) {
    this.#path = path;
    this.#armed = readJsonFile<ArmedFault[]>(path) ?? [];
  }

  arm(order: FaultOrder): ArmedFault {
    const fault = { ...order, id: newId(), remaining: order.times, struck: 0, armedAt: new Date().toISOString() };
    this.#armed.push(fault);
    this.#save();
    return fault;
  }

  list(): readonly ArmedFault[] {
    return this.#armed;
  }

  /** Disarms every fault. What already struck a prediction stays with it. */
  clear(): void {
    this.#armed = [];
    this.#save();
  }

  /** The fault that strikes a request, consumed by that. */
  strikeRequest(request: RequestKind, subject: FaultSubject): ArmedFault | undefined {
    return this.#strike(
      (fault) =>
        ((fault.fault === 'http-429' || fault.fault === 'http-500') && fault.on === request) ||
        (fault.fault === 'http-402' && request === 'create'),
      subject,
    );
  }

  /** The faults that a new prediction gets, at most one of a kind, consumed by that. */
  strikeCreation(subject: FaultSubject): BoundFault[] {
    const struck: BoundFault[] = [];
    for (const kind of BOUND_AT_CREATION) {
      const fault = this.#strike((armed) => armed.fault === kind, subject);
      if (fault !== undefined) struck.push(fault);
    }
    return struck;
  }

  /** The `truncated-file` fault that strikes one download, consumed by that. */
  strikeDownload(subject: FaultSubject): Extract<ArmedFault, { fault: 'truncated-file' }> | undefined {
    const fault = this.#strike((armed) => armed.fault === 'truncated-file', subject);
    return fault?.fault === 'truncated-file' ? fault : undefined;
  }

  #strike(applies: (fault: ArmedFault) => boolean, subject: FaultSubject): ArmedFault | undefined {
    const fault = this.#armed.find((armed) => applies(armed) && matches(armed, subject));
    if (fault === undefined) return undefined;
    fault.struck += 1;
    if (fault.remaining > 0) fault.remaining -= 1;
    if (fault.remaining === 0) this.#armed = this.#armed.filter((armed) => armed !== fault);
    this.#save();
    return fault;
  }

  #save(): void {
    writeJsonFile(this.#path, this.#armed);
  }
}
