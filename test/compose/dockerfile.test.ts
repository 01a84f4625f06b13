import { existsSync, readFileSync } from 'node:fs';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const text = readFileSync('Dockerfile', 'utf8');
const dockerfile = DockerfileParser.parse(text);
const instructions = dockerfile.getInstructions();
const argumentsOf = (keyword: string): string[] =>
  instructions
    .filter((instruction) => instruction.getKeyword() === keyword)
    .map((instruction) => instruction.getRawArgumentsContent() ?? '');
const ignored = readFileSync('.dockerignore', 'utf8').split('\n');
const version = /^node:(\d+\.\d+\.\d+)-bookworm-slim( AS [a-z]+)?$/;

describe('the Dockerfile', () => {
  test('is one that Docker can read', () => {
    expect(validate(text).map(({ range, message }) => ({ line: range.start.line + 1, message }))).toEqual([]);
  });

  test('would be found out with a misspelt instruction and one that lacks an argument', () => {
    expect(validate(text.replace('WORKDIR', 'WORKDIRR'))).not.toEqual([]);
    expect(validate(text.replace('COPY tools tools', 'COPY tools'))).not.toEqual([]);
  });

  test('builds all stages from one exact version, which is one that the product runs on', () => {
    const bases = argumentsOf('FROM').map((base) => version.exec(base)?.[1]);
    expect(bases).toHaveLength(3);
    expect(new Set(bases).size).toBe(1);
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
    const [least, used] = [engines.node.replace('>=', ''), bases[0] ?? ''].map((text) => text.split('.').map(Number));
    expect(used?.[0]).toBe(least?.[0]);
    expect(used?.[1]).toBeGreaterThanOrEqual(least?.[1] ?? Number.POSITIVE_INFINITY);
  });

  test('copies what is there, what is sent to the engine, and all that the build compiles', () => {
    const copies = [...text.matchAll(/^COPY (--from=(\w+) )?(.+) \S+$/gm)];
    const sources = copies.flatMap(([, from, , files = '']) => (from === undefined ? files.split(' ') : []));
    for (const source of sources) {
      expect(existsSync(source), source).toBe(true);
      expect(ignored).toContain(`!${source}`);
    }
    const { include } = parse(readFileSync('tsconfig.build.json', 'utf8')) as { include: string[] };
    expect(sources).toEqual(expect.arrayContaining(include));
    const stages = argumentsOf('FROM').flatMap((base) => / AS (\w+)$/.exec(base)?.[1] ?? []);
    const used = copies.flatMap(([, , stage]) => stage ?? []);
    expect(used.toSorted()).toEqual(stages.toSorted());
  });

  test('ends as a user who is not root, behind an init that hands signals on, with the production packages and the command of the api', () => {
    expect(argumentsOf('USER')).toEqual(['1000:1000']);
    expect(argumentsOf('ENTRYPOINT')).toEqual(['["tini", "--"]']);
    expect(argumentsOf('RUN')).toContain('npm ci --omit=dev --ignore-scripts');
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const command = JSON.parse(argumentsOf('CMD')[0] ?? '[]') as string[];
    expect(`exec ${command.join(' ')}`).toBe(scripts['start:api']);
    for (const form of [...argumentsOf('CMD'), ...argumentsOf('ENTRYPOINT')]) expect(form).toMatch(/^\[/);
  });
});
