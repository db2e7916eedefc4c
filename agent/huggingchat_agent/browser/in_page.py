"""The JavaScript of gestures, as sources of functions. `this` is the element.

They change nothing that the page can see, except scrolling, focus and selection.
"""

# Whether a mouse can reach the element: {x, y} of its middle, or {obstacle}. It waits for frames only if
# something moves. It cannot detect what a script moves step by step; the guard stops a press that misses.
MIDDLE = """async function () {
  const box = () => [...this.getClientRects()].find(each => each.width > 0 && each.height > 0);
  // A tab that stands behind another gets few frames; it must not wait for one for ever.
  const frame = () => new Promise(done => {
    const timer = setTimeout(done, 100, false);
    requestAnimationFrame(() => { clearTimeout(timer); done(true); });
  });
  const painted = ['opacity', 'transform', 'rotate', 'scale', 'translate', 'filter', 'color',
    'backgroundColor', 'offset', 'computedOffset', 'easing', 'composite'];
  const animations = () => document.getAnimations().filter(each => each.playState === 'running');
  const carries = each => each.effect?.target?.contains(this);
  // An animation elsewhere moves this only if it changes the layout.
  const shifts = each => carries(each) || !each.effect?.getKeyframes?.()
    .every(frame => Object.keys(frame).every(name => painted.includes(name)));
  const differ = (one, other) => ['left', 'top', 'width', 'height'].some(each => one[each] !== other[each]);
  if (!this.isConnected) return {obstacle: 'it was replaced'};
  const off = this.matches(':disabled') || this.closest('[aria-disabled="true"]');
  if (off) return {obstacle: 'it is disabled'};
  const first = box();
  if (!this.checkVisibility({visibilityProperty: true}) || !first) return {obstacle: 'it is not visible'};
  this.scrollIntoViewIfNeeded(true);
  let now = box();
  if (!now) return {obstacle: 'it is not visible'};
  if (differ(first, now) || animations().some(shifts)) {
    await frame();
    const before = box(), then = document.timeline.currentTime;
    const drawn = await frame() && document.timeline.currentTime !== then;
    now = box();
    if (!before || !now) return {obstacle: 'it is not visible'};
    // Between two frames nothing moves. On a busy machine both looks can fall into one frame.
    if (differ(before, now) || (!drawn && animations().some(carries))) return {obstacle: 'it is moving'};
  }
  const x = now.left + now.width / 2, y = now.top + now.height / 2;
  if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) {
    this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
    return {obstacle: 'it is outside the view'};
  }
  let hit = document.elementFromPoint(x, y);
  while (hit?.shadowRoot) {
    const inner = hit.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === hit) break;
    hit = inner;
  }
  let each = hit;
  while (each && each !== this) each = each.parentNode ?? each.host;
  if (each || hit?.closest('label')?.control === this) return {x, y};
  if (this.closest('[inert]')) return {obstacle: 'it is inert'};
  // A bar that stays in its place covers the edge of the view. The next look finds this in the middle.
  this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  return {obstacle: hit ? `it is covered by <${hit.localName}>` : 'it is not visible'};
}"""

# Lets the next press reach this element and no other.
GUARD = """function () {
  const kinds = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'dblclick', 'auxclick'];
  const state = {verdict: ''};
  const look = event => {
    if (!event.isTrusted) return;
    if (!state.verdict) {
      const path = event.composedPath();
      const label = path.find(each => each.localName === 'label');
      state.verdict = path.includes(this) || label?.control === this ? 'hit' : 'missed';
    }
    if (state.verdict === 'missed') { event.preventDefault(); event.stopImmediatePropagation(); }
  };
  state.disarm = () => kinds.forEach(kind => removeEventListener(kind, look, true));
  kinds.forEach(kind => addEventListener(kind, look, true));
  globalThis[Symbol.for('huggingchat-agent')] = state;
}"""

# Not a method: removes the guard, and returns the result of the press: "hit", "missed" or ""; null in
# another document.
READ_GUARD = """() => {
  const key = Symbol.for('huggingchat-agent');
  const state = globalThis[key];
  delete globalThis[key];
  state?.disarm();
  return state?.verdict;
}"""

# As MIDDLE, and guards the element if a mouse can reach it.
AIM = """async function () {
  const middle = await (MIDDLE).call(this);
  if (!middle.obstacle) (GUARD).call(this);
  return middle;
}""".replace("MIDDLE", MIDDLE).replace("(GUARD)", f"({GUARD})")

# Not a method: like AIM, for the only button of that name, below `within` if that is given. null if it cannot
# find the button or a mouse cannot reach it; then the accessibility tree decides.
AIM_AT_BUTTON = """async (name, within) => {
  const named = each => (each.getAttribute('aria-label') ?? each.textContent).trim() === name;
  const buttons = [...document.querySelectorAll('button')].filter(named);
  const [button, more] = buttons.filter(each => !within || each.closest(within));
  const odd = '[role], [aria-labelledby], [aria-hidden=true], [aria-hidden=true] *, :has([alt])';
  if (!button || more || button.matches(odd)) return null;
  const middle = await (AIM).call(button);
  return middle.obstacle ? null : middle;
}""".replace("(AIM)", f"({AIM})")

# Focus the field and select all that is in it. With `start`, replace its content by that, with the cursor
# behind it. Returns the obstacle, or "".
FOCUS = """function (start) {
  if (this.readOnly) return 'it is read-only';
  this.focus();
  if (start && 'value' in this) {
    this.value = '';  // else the cursor stays where it is in an equal text
    this.value = start;
  } else if (start) {
    this.textContent = start;
    getSelection().selectAllChildren(this);
    getSelection().collapseToEnd();
  } else if (this.select) this.select();
  else getSelection().selectAllChildren(this);
  return this.getRootNode().activeElement === this ? '' : 'it does not take the focus';
}"""

# Not a method: makes the field ready for a text, with MIDDLE and FOCUS. Returns the obstacle, or "".
REACH = """async (selector, start) => {
  const field = document.querySelector(selector);
  if (!field) return 'it is not there';
  const found = (await (MIDDLE).call(field)).obstacle ?? (FOCUS).call(field, start);
  if (!found) globalThis[Symbol.for('huggingchat-agent')] = field;
  return found;
}""".replace("MIDDLE", MIDDLE).replace("FOCUS", FOCUS)

# Whether the element matches the selector, or is inside one that does.
WITHIN = "function (selector) { return !!this.closest(selector); }"

# Not a method: empty the field of REACH, whose content is selected, as a person would.
CLEAR = "() => { document.execCommand('delete'); }"

# Not a method: whether the selector still finds the field of REACH, and whether that is filled or empty as
# expected; null in another document.
KEPT = """(selector, filled) => {
  const key = Symbol.for('huggingchat-agent');
  const field = globalThis[key];
  delete globalThis[key];
  if (!field) return null;
  const content = field.value ?? field.textContent;
  return document.querySelector(selector) === field && (content !== '') === filled;
}"""

# Not a method: keep one of several pieces of base64 text, which together are too long for one call. A symbol
# cannot collide with a name of the page's own.
KEEP = """(key, piece) => {
  const kept = (window[Symbol.for('huggingchat-agent pieces')] ??= new Map());
  kept.set(key, [...(kept.get(key) ?? []), piece]);
}"""

# Not a method: returns the pieces under a key, and forgets them.
TAKE_KEPT = """(key) => {
  const kept = window[Symbol.for('huggingchat-agent pieces')], pieces = kept?.get(key) ?? [];
  kept?.delete(key);
  return pieces;
}"""

# Put [name, mime, key] files, whose pieces are kept, into the input; the obstacle, or "".
SET_FILES = """function (files) {
  if (this.localName !== 'input' || this.type !== 'file') return 'it is not a file input';
  if (this.disabled) return 'it is disabled';
  if (files.length > 1 && !this.multiple) return 'it takes one file only';
  const transfer = new DataTransfer();
  const decode = text => {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    return bytes;
  };
  for (const [name, type, key] of files)
    transfer.items.add(new File((TAKE_KEPT)(key).map(decode), name, {type}));
  this.files = transfer.files;
  this.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
  this.dispatchEvent(new Event('change', {bubbles: true}));
  return '';
}""".replace("TAKE_KEPT", TAKE_KEPT)

# Not a method: resolves at the next change of the document; after `least` and at most `limit` milliseconds.
CHANGED = """(limit, least = 0) => new Promise(done => {
  let seen = false, late = least === 0;
  const finish = () => { observer.disconnect(); timers.forEach(clearTimeout); done(); };
  const observer = new MutationObserver(() => { seen = true; if (late) finish(); });
  const timers = [setTimeout(finish, limit), setTimeout(() => { late = true; if (seen) finish(); }, least)];
  observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
})"""

# Not a method: resolves when CHECK gives something true. Looks at each change and 20 times a second.
UNTIL = """async (...args) => {
  for (;;) {
    const value = await (CHECK)(...args);
    if (value) return value;
    await (CHANGED)(50);
  }
}""".replace("CHANGED", CHANGED)

# Hides the text of input fields from a picture, by a constructed sheet: a policy may forbid <style>.
MASK = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset]) {
    -webkit-text-fill-color: transparent !important; text-shadow: none !important;
    caret-color: transparent !important; background: #999 !important; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  globalThis[Symbol.for('huggingchat-agent mask')] = sheet;
  return new Promise(done => { const timer = setTimeout(done, 200);
    requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(timer); done(); })); });
}"""

# All text of the document and of text areas, with a zero byte between them.
TEXT = """() => {
  const walker = document.createTreeWalker(document.body ?? document, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement?.closest('script, style, template')) texts.push(node.data);
  }
  const typed = [...document.querySelectorAll('textarea')].map(each => each.value);
  return [texts.join(''), ...typed].join('\\0');
}"""

# After MASK: hides these texts everywhere, without a change of the document.
HIDE = """(secrets) => {
  const walker = document.createTreeWalker(document.body ?? document, NodeFilter.SHOW_TEXT);
  const nodes = [], starts = [];
  let text = '';
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement?.closest('script, style, template')) continue;
    nodes.push(node); starts.push(text.length); text += node.data;
  }
  const place = (offset) => {
    let low = 0, high = nodes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle; else high = middle - 1;
    }
    return [nodes[low], offset - starts[low]];
  };
  const ranges = [];
  for (const secret of secrets)
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + secret.length)) {
      const range = new Range();
      range.setStart(...place(at));
      const [last, offset] = place(at + secret.length - 1);
      range.setEnd(last, offset + 1);
      ranges.push(range);
    }
  const sheet = globalThis[Symbol.for('huggingchat-agent mask')];
  sheet.insertRule(`::highlight(huggingchat-agent) {
    color: transparent; background-color: #999; text-shadow: none; text-decoration: none; }`);
  if ([...document.querySelectorAll('textarea')].some(each => secrets.some(one => each.value.includes(one))))
    sheet.insertRule('textarea { -webkit-text-fill-color: transparent !important; }');
  CSS.highlights.set('huggingchat-agent', new Highlight(...ranges));
  return new Promise(done => { const timer = setTimeout(done, 200);
    requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(timer); done(); })); });
}"""

UNMASK = """() => {
  globalThis.CSS?.highlights?.delete('huggingchat-agent');
  const key = Symbol.for('huggingchat-agent mask');
  const sheet = globalThis[key];
  delete globalThis[key];
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter(each => each !== sheet);
}"""
