/** The frame of every page that people see: one style, nothing loaded from elsewhere, no script. */
import { createHash } from 'node:crypto';
import type { ApiContext } from '../context.js';
import { Html, html } from './html.js';

const STYLE = `
:root { color-scheme: light dark; --quiet: #5d6470; --line: #d7dae0; --accent: #1f5eff; --paper: #fff; --ink: #15181d; }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #9aa3b2; --line: #2d323b; --accent: #86a8ff; --paper: #101317; --ink: #eef1f5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding-bottom: 2rem; }
video { display: block; width: 100%; height: auto; max-height: 75vh; background: #000; }
.text { padding: 0 1rem; }
h1 { margin: 1.25rem 0 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: .5rem 0 0; }
.quiet { color: var(--quiet); }
.button { display: inline-block; margin-top: .75rem; padding: .6rem 1.2rem; border: 1px solid var(--line); border-radius: .5rem;
  color: var(--accent); font-weight: 600; text-decoration: none; }
.button:hover { border-color: currentColor; }
.button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (min-width: 62rem) {
  main { padding-top: 2rem; }
  video { border-radius: .75rem; }
  .text { padding: 0; }
}
`;

const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f5eff"/>' +
    '<path d="M6 4l6 4-6 4z" fill="#fff"/></svg>',
)}`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const POLICY = [
  "default-src 'none'",
  "media-src 'self'",
  // The icon stands in the page: a browser asks for one where none is named.
  "img-src 'self' data:",
  `style-src 'sha256-${STYLE_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Answers with a page that no cache keeps, no search engine lists and no other page embeds. */
export function sendPage(ctx: ApiContext, status: number, { title, content }: { title: string; content: Html }): void {
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('Cache-Control', 'private, no-store');
  ctx.set('Content-Security-Policy', POLICY);
  ctx.set('Referrer-Policy', 'no-referrer');
  ctx.set('X-Robots-Tag', 'noindex, nofollow');
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<link rel="icon" href="${ICON}">
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`.markup;
}
