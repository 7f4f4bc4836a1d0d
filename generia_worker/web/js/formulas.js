// Formulas in texts: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` on a line of their own, shown as MathML by Temml.
//
// A text with a formula comes from a model or a person, so nothing that the library makes is put into the page as it is:
// its tree is copied, elements and attributes of a whitelist only, up to a depth and a size. What cannot be copied or read,
// or defines macros (they could expand without end), stays the text that it was, as does everything without the library.
//
// A dollar is money unless all of this holds:
// - the first one stands before no space and after no letter, digit or backslash, the last one after no space or backslash
//   and before no letter or digit: "it costs $5 and $10", "US$5", "5$ and 6$";
// - between them stand no other dollar and no empty line, and at most FORMULA_MAX characters;
// - what stands between them is no prose, that is: it holds a sign of mathematics, or no word of two letters between spaces:
//   "from $5 to 6$".
//
// There is neither import nor export in this file: the page loads it as a module, and an exported world, which is opened
// from disk where browsers load no modules, as a plain script.
{
  const LIBRARY = "/vendor/temml/temml.min.js";
  const FORMULA_MAX = 2000;
  /** What one text may take of the browser's time: characters that are searched, and characters of formulas. */
  const TEXT_MAX = 20_000;
  const TEX_MAX = 10_000;
  const NODES_MAX = 4000;
  const DEPTH_MAX = 100;
  /** Expansions of the library's own macros; a formula of a page of a textbook takes some dozens. */
  const EXPANSIONS_MAX = 1000;
  /** Lengths that a formula asks for, in em: more would lie over its neighbours. */
  const LENGTH_MAX = 10;
  const SLICE_MS = 10;

  const FORMULA = new RegExp(
    [
      String.raw`(?<![\\$])\$\$(?<display>(?:\\[^]|\$(?!\$)|[^$\\]){1,${FORMULA_MAX}}?)\$\$(?!\$)`,
      String.raw`\\\[(?<bracket>[^]{1,${FORMULA_MAX}}?)\\\]`,
      String.raw`\\\((?<paren>[^]{1,${FORMULA_MAX}}?)\\\)`,
      String.raw`(?<![\\$\p{L}\p{N}])\$(?![\s$])(?<inline>(?:\\[^]|[^$\\]){1,${FORMULA_MAX}}?)(?<!\s)\$(?![$\p{L}\p{N}])`,
    ].join("|"),
    "gu",
  );
  const PROSE = /(?:^|\s)\p{L}{2,}(?:\s|$)/u;
  const SIGN = /[\\^_=+<>{}|]/;
  const DEFINES = /\\(?:[gex]?def|(?:future)?let|(?:new|renew|provide)command|global|long)(?![A-Za-z@])/;

  const ELEMENTS = new Set(
    (
      "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose msub msup msubsup munder " +
      "mover munderover mmultiscripts mprescripts none mtable mtr mtd"
    ).split(" "),
  );
  const WORD = /^[a-z-]{1,20}$/;
  const NUMBER = /^\d{1,2}$/;
  const LENGTH = /^(-?\d*\.?\d+)(em|ex|px|pt|%)?$/;
  const EM = { em: 1, ex: 2, px: 16, pt: 12, "%": 20 };
  const lengths = (value) => value.split(" ").every(isLength);
  const word = (value) => WORD.test(value);
  const ATTRIBUTES = {
    ...of(word, "display displaystyle stretchy symmetric largeop movablelimits fence separator accent accentunder form"),
    ...of(word, "mathvariant columnalign rowalign align dir"),
    ...of((value) => NUMBER.test(value), "scriptlevel rowspan columnspan"),
    ...of(lengths, "width height depth lspace rspace voffset minsize maxsize linethickness rowspacing columnspacing"),
  };
  const STYLES = {
    ...of(lengths, "padding paddingLeft paddingRight paddingTop paddingBottom width"),
    ...of(
      (value) => /^\d?\.?\d+(em|px) (solid|dashed|double)$/.test(value),
      "border borderTop borderBottom borderLeft borderRight",
    ),
    ...of((value) => value === "bold", "fontWeight"),
  };

  function of(rule, names) {
    return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
  }

  function isLength(value) {
    const [, number, unit = "em"] = LENGTH.exec(value) ?? [];
    return number !== undefined && Math.abs(number) <= LENGTH_MAX * EM[unit];
  }

  /** Split a text: pieces of text, and formulas as {source, tex, display}. */
  function parts(text) {
    const found = [];
    let end = 0;
    let tex = 0;
    for (const match of text.length > TEXT_MAX ? [] : text.matchAll(FORMULA)) {
      const { display, bracket, paren, inline } = match.groups;
      const dollars = display ?? inline;
      if (dollars !== undefined && isProse(dollars)) continue;
      tex += match[0].length;
      if (tex > TEX_MAX) break;
      if (match.index > end) found.push(text.slice(end, match.index));
      end = match.index + match[0].length;
      found.push({
        source: match[0],
        tex: dollars ?? bracket ?? paren,
        display: (display ?? bracket) !== undefined,
      });
    }
    if (end < text.length) found.push(text.slice(end));
    return found;
  }

  /** The lines of a text, of which none ends inside of a formula. */
  function lines(text) {
    const whole = parts(text).map((part) => part.source?.replace(/\s*\n\s*/g, " ") ?? part);
    return whole.join("").split(/\n+/);
  }

  const isProse = (tex) => /\n\s*\n/.test(tex) || (PROSE.test(tex) && !SIGN.test(tex));

  /** A text as nodes, with formulas in place of their sources; those come a moment later when the library is not here. */
  function rich(text) {
    const found = parts(String(text ?? ""));
    // A formula on a line of its own breaks the line after it by itself.
    const shown = found.map((part, at) => (found[at - 1]?.display ? (part.replace?.(/^\n/, "") ?? part) : part));
    return shown.map((part) => (typeof part === "string" ? part : formula(part)));
  }

  function formula(part) {
    const span = document.createElement("span");
    span.append(part.source);
    if (globalThis.temml) fill(span, part);
    else library().then(() => fill(span, part), () => {});
    return span;
  }

  function fill(span, part) {
    let math;
    try {
      math = mathOf(part);
    } catch {
      // It is no formula, or none that can be shown: the source stands there.
      return;
    }
    span.className = part.display ? "formula is-display" : "formula";
    span.replaceChildren(math);
    widths.observe(span);
  }

  /** A formula as an element; throws where it cannot be shown. */
  function mathOf({ tex, display }) {
    if (DEFINES.test(tex)) throw new Error("A formula that defines macros.");
    const tree = globalThis.temml.__renderToMathMLTree(tex, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      maxExpand: EXPANSIONS_MAX,
      maxSize: [LENGTH_MAX, LENGTH_MAX],
    });
    const math = copy(tree, 0, { nodes: 0 });
    if (math.localName !== "math") throw new Error("No formula.");
    return math;
  }

  function copy(node, depth, sum) {
    if (depth > DEPTH_MAX || ++sum.nodes > NODES_MAX) throw new Error("Too large a formula.");
    if (node.text !== undefined) return document.createTextNode(node.text);
    const children = (node.children ?? []).map((child) => copy(child, depth + 1, sum));
    if (node.type === undefined && node.attributes === undefined) {
      const fragment = document.createDocumentFragment();
      fragment.append(...children);
      return fragment;
    }
    if (!ELEMENTS.has(node.type)) throw new Error("An element that is not shown.");
    const element = document.createElementNS("http://www.w3.org/1998/Math/MathML", node.type);
    for (const [name, value] of Object.entries(node.attributes))
      if (ATTRIBUTES[name]?.(String(value))) element.setAttribute(name, value);
    // Not as an attribute, which the content policy forbids.
    for (const [name, value] of Object.entries(node.style))
      if (STYLES[name]?.(String(value))) element.style[name] = value;
    const classes = node.classes.filter((name) => /^tml-[a-z-]+$/.test(name));
    if (classes.length > 0) element.setAttribute("class", classes.join(" "));
    element.append(...children);
    return element;
  }

  /** Formulas that are wider than their place scroll, by keyboard too. */
  const widths = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth <= target.clientWidth) continue;
      target.tabIndex = 0;
      widths.unobserve(target);
    }
  });

  let asked = null;
  function library() {
    asked ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => {
        asked = null;
        reject(new Error("The library of formulas cannot be loaded."));
      });
      document.head.append(script);
    });
    return asked;
  }

  /** Show the formulas in the texts below an element, with a break after each `SLICE_MS`; the library is here already. */
  async function within(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    let begun = performance.now();
    for (const text of texts) {
      if (parts(text.data).some((part) => typeof part !== "string")) text.replaceWith(...rich(text.data));
      if (performance.now() - begun < SLICE_MS) continue;
      await new Promise((resolve) => setTimeout(resolve));
      begun = performance.now();
    }
  }

  globalThis.formulas = { parts, lines, rich, within };
}
