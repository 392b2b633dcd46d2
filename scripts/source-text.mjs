// TypeScript 7 has no compiler API in JavaScript, so the import rules read sources with this small scanner.

const spaces = (text) => text.replace(/[^\n]/g, " ");

/** A slash after a value divides; anywhere else it opens a regular expression. */
function opensRegExp(before) {
  const tail = before.trimEnd();
  return (
    tail === "" ||
    /[(,=:[!&|?{};+*%<>~^-]$/.test(tail) ||
    /\b(?:return|typeof|case|in|of|await|yield)$/.test(tail)
  );
}

const regExp = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//y;
const plain = {
  "//": /\/\/[^\n]*/y,
  "/*": /\/\*[\s\S]*?(?:\*\/|$)/y,
  '"': /"(?:\\[\s\S]|[^"\\\n])*"?/y,
  "'": /'(?:\\[\s\S]|[^'\\\n])*'?/y,
};

/**
 * The source with comments and the contents of strings, templates and regular expressions blanked out, so
 * that what is left is code. Every character keeps its place.
 */
export function codeOf(source) {
  let code = "";
  // One entry for each `${` we are inside of: how many braces are open in it.
  const templates = [];
  const take = (pattern) => {
    pattern.lastIndex = code.length;
    return pattern.exec(source)?.[0];
  };
  const quoted = (text) => text[0] + spaces(text.slice(1, -1)) + (text.length > 1 ? text.at(-1) : "");
  const templateText = () => {
    const text = take(/(?:\\[\s\S]|\$(?!\{)|[^\\`$])*/y) ?? "";
    code += spaces(text);
    if (source.startsWith("${", code.length)) {
      templates.push(0);
      code += "${";
    } else code += source[code.length] ?? "";
  };
  while (code.length < source.length) {
    const character = source[code.length];
    const pair = source.slice(code.length, code.length + 2);
    if (pair === "//" || pair === "/*") code += spaces(take(plain[pair]));
    else if (character === '"' || character === "'") code += quoted(take(plain[character]));
    else if (character === "`") {
      code += character;
      templateText();
    } else if (character === "/" && opensRegExp(code)) code += quoted(take(regExp) ?? "/");
    else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      code += character;
      templateText();
    } else {
      if (templates.length > 0 && character === "{") templates[templates.length - 1] += 1;
      if (templates.length > 0 && character === "}") templates[templates.length - 1] -= 1;
      code += character;
    }
  }
  return code;
}

/** Every module that a source imports: where, which, and whether only its types. */
export function importsOf(source, code = codeOf(source)) {
  const openings = /\bfrom\s*(["'])|\b(?:import|require)\s*\(?\s*(["'])/g;
  return [...code.matchAll(openings)].map((match) => {
    const start = match.index + match[0].length;
    const quote = match[1] ?? match[2];
    const statement = code
      .slice(0, match.index)
      .split(/\b(?=(?:import|export)\b)/)
      .at(-1);
    return {
      index: match.index,
      specifier: source.slice(start, source.indexOf(quote, start)),
      typesOnly: match[1] !== undefined && /^(?:import|export)\s+type\b/.test(statement),
    };
  });
}

/** Where `let` or `var` declares a variable outside of every function, class and block. */
export function topLevelVariables(code) {
  let depth = 0;
  const found = [];
  for (const { 0: token, index } of code.matchAll(/[([{]|[)\]}]|\b(?:let|var)\b(?=\s+[\w$[{])/g)) {
    if (/[([{]/.test(token)) depth += 1;
    else if (/[)\]}]/.test(token)) depth -= 1;
    else if (depth === 0) found.push(index);
  }
  return found;
}

export const lineAt = (source, index) => source.slice(0, index).split("\n").length;
