// What Bottega asks of a page, from a world of its own that the page's scripts cannot reach:
// its visible text with numbered elements, and where an element is. Nothing in the page is changed
// by reading it.
(() => {
  if (globalThis.bottega) return;
  const MOST_NODES = 60000, MOST_CHARACTERS = 400000, NAME = 160, LEVELS = 400;
  const numbers = new WeakMap(), elements = new Map();
  let next = 1;

  const SKIP = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "OBJECT", "EMBED"]);
  const BLOCK = /^(block|flex|grid|table|list-item|flow-root|table-row|table-caption)$/;
  const ROLES = new Set(["button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio",
    "checkbox", "radio", "option", "switch", "combobox", "textbox", "searchbox", "slider",
    "spinbutton", "treeitem"]);

  const flat = (text) => text.replace(/\s+/g, " ");
  const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;
  const quoted = (text) => JSON.stringify(cut(flat(text).trim(), NAME));

  function number(element) {
    let n = numbers.get(element);
    if (n === undefined) {
      n = next++;
      numbers.set(element, n);
      elements.set(n, new WeakRef(element));
    }
    return n;
  }

  // Whether nothing of the element and what is in it can be seen.
  function gone(element, style) {
    if (style.display === "none" || Number(style.opacity) < 0.05) return true;
    if (style.contentVisibility === "hidden") return true;
    if (style.display === "contents" || element.tagName === "BODY") return false;
    const clips = style.overflowX !== "visible" || style.clipPath !== "none" || style.clip !== "auto";
    if (!clips) return false;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return true;
    return /^inset\((50|100)%/.test(style.clipPath) || /^rect\(0px, 0px, 0px, 0px\)/.test(style.clip);
  }

  function colour(text) {
    const found = /rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)/.exec(text);
    return found ? [found[1], found[2], found[3], found[4] ?? 1].map(Number) : null;
  }

  function background(element) {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const found = colour(style.backgroundColor);
      if (!found || found[3] > 0.5) return found;
    }
    return [255, 255, 255, 1];
  }

  // Whether a text can be seen: it has a size, a colour of its own and a place on the page.
  const faint = new WeakMap();
  function hidden(node, element, style) {
    if (style.visibility !== "visible" || parseFloat(style.fontSize) < 3) return true;
    let pale = faint.get(element);
    if (pale === undefined) {
      const ink = colour(style.color);
      const paper = ink && ink[3] >= 0.05 ? background(element) : null;
      pale = ink !== null && (ink[3] < 0.05 || (paper !== null &&
        Math.max(...[0, 1, 2].map((i) => Math.abs(ink[i] - paper[i]))) < 12));
      faint.set(element, pale);
    }
    if (pale) return true;
    const range = node.ownerDocument.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const view = node.ownerDocument.defaultView;
    if (box.width < 1 || box.height < 1) return true;
    return box.right + view.scrollX < 1 || box.bottom + view.scrollY < 1;
  }

  const label = (element) => {
    const by = element.getAttribute("aria-label") || element.getAttribute("placeholder") ||
      element.getAttribute("title") || element.getAttribute("name") || "";
    const first = element.labels && element.labels[0];
    return (first && seen(first)) || by;
  };

  // The text of an element that can be seen, on one line.
  function seen(element) {
    const parts = [];
    let left = 400;
    (function walk(node, depth) {
      if (left-- < 0 || depth > LEVELS) return;
      if (node.nodeType === 3) {
        const owner = node.parentElement;
        if (owner && node.data.trim() && !hidden(node, owner, getComputedStyle(owner))) {
          parts.push(node.data);
        }
      } else if (node.nodeType === 1 && !SKIP.has(node.tagName)) {
        if (gone(node, getComputedStyle(node))) return;
        if (node.tagName === "IMG" && node.alt) parts.push(` ${node.alt} `);
        for (const child of (node.shadowRoot || node).childNodes) walk(child, depth + 1);
      }
    })(element, 0);
    return flat(parts.join(" ")).trim();
  }

  function kind(element, style, parentStyle) {
    const tag = element.tagName, role = element.getAttribute("role") || "";
    if (tag === "A" && element.href) return "link";
    if (tag === "BUTTON" || tag === "SUMMARY") return "button";
    if (tag === "SELECT") return "select";
    if (tag === "TEXTAREA") return "text";
    if (tag === "INPUT") {
      const type = element.type;
      if (type === "hidden") return "";
      if (["button", "submit", "reset", "image"].includes(type)) return "button";
      if (["checkbox", "radio", "file", "range", "date", "time", "color", "month", "week"]
        .includes(type) || type === "datetime-local") return type;
      return "text";
    }
    if (element.isContentEditable && !(element.parentElement && element.parentElement.isContentEditable)) {
      return "text";
    }
    if (ROLES.has(role)) return role;
    if (element.hasAttribute("onclick")) return "clickable";
    if (style.cursor === "pointer" && parentStyle && parentStyle.cursor !== "pointer" &&
      tag !== "LABEL") return "clickable";
    return "";
  }

  function told(element, what) {
    const n = what === "file" ? 0 : number(element);
    const off = element.disabled || element.getAttribute("aria-disabled") === "true" ? " disabled" : "";
    if (what === "file") return `[file input ${quoted(label(element))}: files are refused]`;
    if (what === "link") {
      const name = seen(element) || label(element) || "link";
      let to = element.href;
      if (element.origin === location.origin) to = element.pathname + element.search;
      return `[${n} link ${quoted(name)} -> ${cut(to, 120)}]`;
    }
    if (what === "select") {
      const chosen = [...element.selectedOptions].map((o) => quoted(o.label)).join(", ");
      const all = [...element.options].slice(0, 40).map((o) => quoted(o.label)).join(" | ");
      const more = element.options.length > 40 ? " | …" : "";
      return `[${n} select ${quoted(label(element))} = ${chosen || "nothing"}${off}, of: ${all}${more}]`;
    }
    if (what === "checkbox" || what === "radio" || what === "switch") {
      const on = element.checked || element.getAttribute("aria-checked") === "true";
      return `[${n} ${what} ${quoted(label(element) || seen(element))}${on ? " checked" : ""}${off}]`;
    }
    if (what === "text" || element.tagName === "INPUT" && what !== "button") {
      let value = element.value ?? seen(element);
      if (element.type === "password" && value) value = "•••";
      return `[${n} ${what} ${quoted(label(element))} = ${quoted(value)}${off}]`;
    }
    const name = seen(element) || element.value || label(element) || element.alt || "";
    return `[${n} ${what} ${quoted(name)}${off}]`;
  }

  function read(first) {
    next = Math.max(next, first);
    const out = [];
    let size = 0, nodes = 0, unseen = 0, full = false, pre = 0;
    const say = (text) => { out.push(text); size += text.length; full = full || size > MOST_CHARACTERS; };
    const fresh = () => { if (out.length && out[out.length - 1] !== "\n") say("\n"); };

    function texts(node, parent, style) {
      if (!node.data.trim()) { if (out.length && /\S$/.test(out[out.length - 1])) say(" "); return; }
      if (hidden(node, parent, style)) { unseen += node.data.trim().length; return; }
      say(pre ? node.data.slice(0, MOST_CHARACTERS) : flat(node.data.slice(0, MOST_CHARACTERS)));
    }

    function inside(frame) {
      let inner = null;
      try { inner = frame.contentDocument; } catch { /* another site's */ }
      if (inner && inner.body) walk(inner.body, null, 0);
      else say(`[frame ${cut(frame.src || "", 200)}]`);
    }

    function walk(element, parentStyle, depth) {
      if (full || ++nodes > MOST_NODES || depth > LEVELS) { full = true; return; }
      const tag = element.tagName;
      if (SKIP.has(tag)) return;
      const style = getComputedStyle(element);
      if (gone(element, style)) {
        unseen += (element.textContent || "").trim().length;
        return;
      }
      const block = BLOCK.test(style.display);
      if (block || tag === "BR") fresh();
      if (tag === "IFRAME" || tag === "FRAME") { inside(element); return; }
      if (tag === "IMG") { if (element.alt) say(`![${cut(flat(element.alt), NAME)}]`); return; }
      if (tag === "SVG" || tag === "svg" || tag === "CANVAS" || tag === "VIDEO") {
        const name = element.getAttribute("aria-label");
        if (name) say(`![${cut(flat(name), NAME)}]`);
        return;
      }
      if (tag === "HR") { say("---"); fresh(); return; }
      const what = style.visibility === "visible" ? kind(element, style, parentStyle) : "";
      if (what && what !== "clickable") {
        say(told(element, what));
        if (block) fresh(); else say(" ");
        return;
      }
      if (what) say(`[${number(element)} clickable] `);
      const level = /^H([1-6])$/.exec(tag);
      if (level) say("#".repeat(Number(level[1])) + " ");
      if (tag === "LI") say("- ");
      if (tag === "PRE") pre += 1;
      const children = element.shadowRoot
        ? element.shadowRoot.childNodes
        : tag === "SLOT" && element.assignedNodes().length ? element.assignedNodes() : element.childNodes;
      for (const child of children) {
        if (full) break;
        if (child.nodeType === 3) texts(child, element, style);
        else if (child.nodeType === 1) walk(child, style, depth + 1);
      }
      if (tag === "PRE") pre -= 1;
      if (tag === "TD" || tag === "TH") say(" | ");
      if (block) fresh();
    }

    if (document.body) walk(document.body, null, 0);
    const text = out.join("").replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
    return { text, next, unseen, full, title: cut(document.title || "", 300), url: location.href };
  }

  function find(n) {
    const element = elements.get(n)?.deref();
    if (!element) return { problem: "is not on this page: read the page again" };
    if (!element.isConnected) return { problem: "is gone from the page: read the page again" };
    if (element.disabled) return { problem: "is disabled" };
    return { element };
  }

  // Where to point at: the middle of what can be seen of the element.
  function point(n) {
    const { element, problem } = find(n);
    if (problem) return { problem };
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const box = [...element.getClientRects()].find((one) => one.width > 0 && one.height > 0);
    if (!box) return { problem: "cannot be seen now" };
    let x = box.left + box.width / 2, y = box.top + box.height / 2;
    const root = element.getRootNode();
    const at = (root.elementFromPoint ? root : element.ownerDocument).elementFromPoint(x, y);
    if (!at) return { problem: "lies outside of what can be seen" };
    const near = element.contains(at) || at.contains(element) ||
      [...(element.labels || [])].some((one) => one.contains(at));
    if (!near) return { problem: `is covered by <${at.tagName.toLowerCase()}> ${quoted(seen(at))}` };
    for (let view = element.ownerDocument.defaultView; view.frameElement; view = view.parent) {
      const frame = view.frameElement.getBoundingClientRect();
      x += frame.left;
      y += frame.top;
    }
    return { x, y };
  }

  const PICKED = ["date", "time", "datetime-local", "month", "week", "color", "range"];
  function tell(element) {
    element.dispatchEvent(new Event("input", { bubbles: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Make a field ready to be typed into, everything in it selected; one with a picker is set at once.
  function field(n, text) {
    const { element, problem } = find(n);
    if (problem) return { problem };
    if (element.type === "file") return { problem: "takes files, which are refused" };
    const editable = element.isContentEditable || element.tagName === "TEXTAREA" ||
      (element.tagName === "INPUT" &&
        !["button", "submit", "reset", "image", "checkbox", "radio"].includes(element.type));
    if (!editable) return { problem: "is no field that takes text" };
    if (element.readOnly) return { problem: "can only be read" };
    element.scrollIntoView({ block: "center", behavior: "instant" });
    element.focus();
    if (PICKED.includes(element.type)) {
      const proto = Object.getPrototypeOf(element);
      Object.getOwnPropertyDescriptor(proto, "value").set.call(element, text);
      if (element.value !== text) return { problem: `does not take ${quoted(text)} as a ${element.type}` };
      tell(element);
      return { done: true };
    }
    if (element.select) element.select();
    else getSelection().selectAllChildren(element);
    return { done: false };
  }

  function choose(n, wanted) {
    const { element, problem } = find(n);
    if (problem) return { problem };
    if (element.tagName !== "SELECT") return { problem: "is no select" };
    if (wanted.length > 1 && !element.multiple) return { problem: "takes one option only" };
    const options = [...element.options];
    const found = wanted.map((text) => options.find((o) => flat(o.label).trim() === text.trim()) ||
      options.find((o) => o.value === text));
    const missing = wanted.filter((_, i) => !found[i]);
    if (missing.length) {
      const all = options.slice(0, 40).map((o) => quoted(o.label)).join(", ");
      return { problem: `has no option ${quoted(missing[0])}; it has ${all}` };
    }
    for (const option of options) option.selected = found.includes(option);
    tell(element);
    return { done: true };
  }

  function scroll(n, pages) {
    if (n === 0) scrollBy({ top: pages * innerHeight * 0.9, behavior: "instant" });
    else {
      const { element, problem } = find(n);
      if (problem) return { problem };
      element.scrollBy({ top: pages * element.clientHeight * 0.9, behavior: "instant" });
      if (!pages) element.scrollIntoView({ block: "center", behavior: "instant" });
    }
    const whole = document.documentElement.scrollHeight;
    return { at: Math.round(scrollY), seen: innerHeight, whole };
  }

  // Whether a text can be seen by then; the page's own clock is asked every tenth of a second.
  function waitFor(text, seconds) {
    const wanted = flat(text).trim().toLowerCase();
    const end = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      (function look() {
        const has = document.body && flat(read(next).text).toLowerCase().includes(wanted);
        if (has || performance.now() > end) resolve({ found: Boolean(has) });
        else setTimeout(look, 100);
      })();
    });
  }

  globalThis.bottega = { read, point, field, choose, scroll, waitFor };
})();
