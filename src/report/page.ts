/** A page that needs nothing else: it loads nothing, runs nothing, and takes pictures from its own text alone. */
import { html, type Markup, trusted } from './markup.ts'
import { STYLE } from './style.ts'

/** @param style beside that of every page */
export function pageOf(title: string, main: Markup, style = ''): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(STYLE)}${trusted(style)}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`
  return page.markup
}
