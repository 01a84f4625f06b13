/** What the documents point at is there: files, headings, commands, variables. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { variables } from '../../config/environment.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', 'out', '.dev', '.git']);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : [];
  });
}

const documents = markdownFiles(ROOT);
const folders = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !NOT_OURS.has(entry.name))
  .map((entry) => entry.name);

const prose = (text: string): string => text.replace(/^```.*?^```/gms, '');
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');

/** The part of an address after `#`, as the usual renderers make it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

/** Why a link of the document leads nowhere; undefined for one that leads somewhere or out of the repository. */
function brokenLink(document: string, link: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? document : join(dirname(document), file);
  if (!existsSync(join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  const anchors = matches(prose(read(target)), /^#+ (.*)$/gm).map(anchorOf);
  return anchors.includes(anchor) ? undefined : `${link}: ${target} has no heading of that name`;
}

/** Text in code style that is the path of something in this repository. */
function pathsIn(text: string): string[] {
  return matches(prose(text), /`([^`\n]+)`/g).filter(
    (code) => folders.some((folder) => code.startsWith(`${folder}/`)) && !/[ *<]/.test(code),
  );
}

const targets = matches(read('Makefile'), /^([a-z-]+):.*##/gm);
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);

describe.each(documents)('%s', (document) => {
  const text = read(document);

  it('links to files and headings that exist', () => {
    const links = matches(prose(text), /\]\(([^)\s]+)\)/g);
    expect(links.flatMap((link) => brokenLink(document, link) ?? [])).toEqual([]);
  });

  it('names paths that exist', () => {
    expect(pathsIn(text).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names commands that exist', () => {
    const made = matches(text, /(?:`|^)make ([a-z-]+)/gm);
    expect(made.filter((target) => !targets.includes(target))).toEqual([]);
    expect(matches(text, /npm run ([a-z:-]+)/g).filter((script) => !scripts.includes(script))).toEqual([]);
  });
});

describe('the check itself', () => {
  it('finds what is broken', () => {
    expect(brokenLink('README.md', 'docs/no-such-page.md')).toContain('there is no');
    expect(brokenLink('README.md', 'docs/architecture.md#no-such-heading')).toContain('no heading');
    expect(brokenLink('docs/decisions/README.md', '../architecture.md#the-ledger')).toBeUndefined();
    expect(pathsIn('see `domain/no-such-file.ts` and `out/demo.mp4`')).toEqual(['domain/no-such-file.ts']);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('names every target of the Makefile but the help', () => {
    expect(targets.filter((target) => target !== 'help' && !readme.includes(`\`make ${target}\``))).toEqual([]);
  });

  it('names every variable of the environment', () => {
    expect(Object.keys(variables.shape).filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/decisions/0001-dependencies.md', () => {
  it('names every direct dependency but the packages of types', () => {
    const page = read('docs/decisions/0001-dependencies.md');
    const manifest = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', object>;
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(names.filter((name) => !name.startsWith('@types/') && !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/decisions/README.md', () => {
  it('lists every decision', () => {
    const index = read('docs/decisions/README.md');
    const pages = documents.filter((path) => /^docs\/decisions\/\d{4}-/.test(path)).map((path) => path.slice(15));
    expect(pages).not.toEqual([]);
    expect(pages.filter((page) => !index.includes(`(${page})`))).toEqual([]);
  });
});
