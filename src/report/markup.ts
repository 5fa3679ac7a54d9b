/** HTML by tagged template: every inserted text is escaped unless it is markup itself. */

export interface Markup {
  readonly markup: string
}

type Insert = Markup | string | number | undefined | readonly (Markup | undefined)[]

export function html(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  let out = parts[0] ?? ''
  for (const [index, insert] of inserts.entries()) out += inserted(insert) + (parts[index + 1] ?? '')
  return { markup: out }
}

/** Marks text as safe to insert unescaped: only for what attune itself produced, such as an SVG. */
export function trusted(markup: string): Markup {
  return { markup }
}

export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

function inserted(insert: Insert): string {
  if (insert === undefined) return ''
  if (typeof insert === 'string' || typeof insert === 'number') return escapeText(String(insert))
  if ('markup' in insert) return insert.markup
  return insert.map((part) => part?.markup ?? '').join('')
}
