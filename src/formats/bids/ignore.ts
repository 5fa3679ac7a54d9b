/** `.bidsignore`: which files of a dataset BIDS is told to overlook, in the syntax of .gitignore. */

/**
 * Compiles the text of a `.bidsignore` to a test of paths (relative to the root, `/` between folders). A path is ignored when the last
 * pattern that matches it, or a folder above it, is not a `!` one; nothing below an ignored folder can be taken back.
 * @see https://git-scm.com/docs/gitignore#_pattern_format
 */
export function ignoreRule(text: string): (path: string) => boolean {
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?<!\\)\s+$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(ruleOf)
  if (rules.length === 0) return () => false
  const ignored = (path: string, folder: boolean): boolean =>
    rules.findLast((rule) => (folder || !rule.folderOnly) && rule.matches.test(path))?.ignore ?? false
  return (path) => {
    const parts = path.split('/')
    return parts.some((_, k) => ignored(parts.slice(0, k + 1).join('/'), k + 1 < parts.length))
  }
}

interface Rule {
  readonly ignore: boolean
  readonly folderOnly: boolean
  readonly matches: RegExp
}

function ruleOf(line: string): Rule {
  const ignore = !line.startsWith('!')
  const folderOnly = line.endsWith('/')
  const pattern = line.slice(ignore ? 0 : 1, folderOnly ? -1 : undefined)
  // a slash before the end ties the pattern to the root; otherwise it matches in every folder
  const anchored = pattern.includes('/')
  const source = pattern.replace(/^\//, '').replace(TOKEN, (token) => {
    if (token === '/**/') return '/(?:.*/)?'
    if (token === '**/') return '(?:.*/)?'
    if (token === '/**') return '/.*'
    if (/^\*+$/.test(token)) return '[^/]*'
    if (token === '?') return '[^/]'
    if (token.startsWith('[')) return token.replace(/^\[!/, '[^').replace(/\\(?!\])/g, '\\\\')
    return `\\${token.at(-1)}`
  })
  return { ignore, folderOnly, matches: new RegExp(`^${anchored ? '' : '(?:.*/)?'}${source}$`) }
}

/** What means something in a pattern, or would in a regular expression. */
const TOKEN = /\/\*\*\/|^\*\*\/|\/\*\*$|\*+|\?|\[!?\]?[^\]/]+\]|\\.|[.+^${}()|[\]\\]/g
