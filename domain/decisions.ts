/** The shape of a decision, checked where no schema library may be loaded: in the workflow that takes it. */
import { DECISIONS } from './contract.js';
import { MODEL_NAMES } from './models.js';

export const MAX_PROMPT = 4000;
/** In US dollars: what the ledger's columns can hold, with room for a sum. */
export const MIN_BUDGET_USD = 0.000_001;
export const MAX_BUDGET_USD = 999_999;

const FIELDS = ['decision', 'prompt', 'model', 'firstImage', 'lastImage', 'budgetUsd'];

/** What is wrong with a decision as it came, naming the field; undefined for one that can be looked at further. */
export function decisionProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'expected an object with the field decision';
  const unknown = Object.keys(value).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `${unknown}: there is no such field`;
  const { decision } = value;
  if (!oneOf(DECISIONS, decision)) return `decision: expected ${DECISIONS.join(' or ')}`;
  if (decision !== 'retry') {
    const extra = FIELDS.find((field) => field !== 'decision' && field in value);
    return extra === undefined ? undefined : `${extra}: goes with the decision retry only`;
  }
  return changesProblem(value);
}

function changesProblem({ prompt, model, budgetUsd, ...images }: Record<string, unknown>): string | undefined {
  if (prompt !== undefined && (typeof prompt !== 'string' || !isPrompt(prompt))) {
    return `prompt: expected text of 1 to ${MAX_PROMPT} characters without NUL`;
  }
  if (model !== undefined && !oneOf(MODEL_NAMES, model)) return `model: expected ${MODEL_NAMES.join(' or ')}`;
  if (budgetUsd !== undefined && !isBudget(budgetUsd)) {
    return `budgetUsd: expected a number from ${MIN_BUDGET_USD} to ${MAX_BUDGET_USD}`;
  }
  const wrong = ['firstImage', 'lastImage'].find((field) => images[field] !== undefined && !isImage(images[field]));
  return wrong === undefined ? undefined : `${wrong}: expected {assetId} or {url}, exactly one`;
}

const isBudget = (value: unknown): boolean =>
  typeof value === 'number' && value >= MIN_BUDGET_USD && value <= MAX_BUDGET_USD;

/** NUL and broken Unicode cannot be stored. */
const isPrompt = (prompt: string): boolean =>
  prompt.length >= 1 && prompt.length <= MAX_PROMPT && !/[\0\p{Surrogate}]/u.test(prompt);

const isImage = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const [[field, given] = [], ...more] = Object.entries(value);
  return more.length === 0 && (field === 'assetId' || field === 'url') && typeof given === 'string';
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const oneOf = (values: readonly string[], value: unknown): boolean =>
  typeof value === 'string' && values.includes(value);
