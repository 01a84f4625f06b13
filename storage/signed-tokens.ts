/** Tokens that say themselves what they open and until when: JWTs signed by the deployment's secret. */
import { errors, jwtVerify, SignJWT } from 'jose';
import { ReelwrightError } from '../domain/errors.js';

const ALGORITHM = 'HS256';
/** Ours have some 300 characters. What is far longer is not looked into. */
const MAX_LENGTH = 1024;

export interface TokenClaims {
  /** What the token is about, an id. */
  subject: string;
  /** What tells it from other tokens about the same: the id of its row, or a random one. */
  id: string;
  /** Whole seconds. */
  expiresAt: Date;
}

export interface SignedTokens {
  /** Equal claims give equal tokens, so a token need not be kept. */
  sign(claims: TokenClaims): Promise<string>;
  /**
   * What the token says. Throws UNAUTHENTICATED, with `details.reason` `expired` or `invalid`, unless it is ours, of this
   * audience, about `subject` where that is given, and expired at most `graceSeconds` (default 0) ago.
   */
  verify(token: string, options?: { subject?: string; graceSeconds?: number }): Promise<TokenClaims>;
}

/** Tokens (HS256) that nothing accepts but what was made with the same secret and audience. */
export function createSignedTokens(secretKey: string, audience: string): SignedTokens {
  const key = new TextEncoder().encode(secretKey);
  return {
    async sign({ subject, id, expiresAt }) {
      return await new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(subject)
        .setAudience(audience)
        .setJti(id)
        .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
        .sign(key);
    },
    async verify(token, { subject, graceSeconds = 0 } = {}) {
      if (token.length > MAX_LENGTH) throw refusal('invalid');
      try {
        const { payload } = await jwtVerify(token, key, {
          audience,
          algorithms: [ALGORITHM],
          requiredClaims: ['sub', 'jti', 'exp'],
          clockTolerance: graceSeconds,
          ...(subject === undefined ? {} : { subject }),
        });
        return {
          subject: String(payload.sub),
          id: String(payload.jti),
          expiresAt: new Date(Number(payload.exp) * 1000),
        };
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
        throw refusal(error instanceof errors.JWTExpired ? 'expired' : 'invalid');
      }
    },
  };
}

const REASONS = {
  expired: 'the token has expired',
  revoked: 'the link was revoked',
  invalid: 'the token is not one that opens this',
};

/** UNAUTHENTICATED that says what is wrong with a token. */
export const refusal = (reason: keyof typeof REASONS): ReelwrightError =>
  new ReelwrightError('UNAUTHENTICATED', REASONS[reason], { details: { reason } });

/** So many seconds from now, rounded up to a whole one. */
export const inSeconds = (seconds: number): Date => new Date((Math.ceil(Date.now() / 1000) + seconds) * 1000);
