import escapeHtml from 'escape-html';

/** Markup, as against text that still has to become markup. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = string | number | Html | undefined;

/** A template of markup. Whatever is put into it is text, escaped for elements and quoted attributes, unless it is Html. */
export function html(markup: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(String.raw({ raw: markup }, ...parts.map(asMarkup)));
}

function asMarkup(part: Part): string {
  if (part === undefined) return '';
  return part instanceof Html ? part.markup : escapeHtml(String(part));
}
