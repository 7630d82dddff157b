// Scenes and expressions to go through. All decisions are made in Python; what is here shows them.

const KEYS = [
  ["↑ ↓ or j", "another expression"], ["Enter", "play the scene"], ["l", "play the line"], ["k / d", "keep / drop"], ["[ ]", "begin the scene a line earlier / later"],
  ["{ }", "end the scene a line earlier / later"], ["e", "edit the translation"], ["u / r", "undo / redo"], ["s", "save"], ["/", "search"], ["?", "these keys"],
];

function renderBrowser({ model, el }) {
  const box = root(el, "lf-browser", `Expressions of ${model.get("title")}`);
  const listen = watching(model);
  const say = (message) => model.send(message);
  const cards = model.get("cards");
  const byId = new Map(cards.map((card) => [card.id, card]));
  const rows = new Map();
  let drawn = {};
  let part = "scene"; // or "line": what the player has

  // ---- the bar above: search, filters, what was decided

  const search = h("input", { type: "search", class: "lf-search", placeholder: "Search expressions and lines", "aria-label": "Search", oninput: () => filter({ text: search.value }) });
  const chips = h("div", { class: "lf-chips", role: "group", "aria-label": "Level" }, ["A1", "A2", "B1", "B2", "C1", "C2"].map((level) =>
    h("button", { type: "button", class: `lf-chip lf-${level}`, "data-level": level, "aria-pressed": "false", onclick: () => filter({ levels: turned(model.get("view").levels, level) }) }, level)));
  const options = (pairs) => pairs.map(([value, text]) => h("option", { value }, text));
  const kind = h("select", { "aria-label": "Kind", onchange: () => filter({ kinds: kind.value ? [kind.value] : [] }) }, options([["", "All kinds"], ...model.get("kinds").map((name) => [name, name])]));
  const kept = h("select", { "aria-label": "Decision", onchange: () => filter({ kept: kept.value }) }, options([["all", "All decisions"], ["kept", "Kept"], ["dropped", "Dropped"], ["changed", "Changed"]]));
  const undo = h("button", { type: "button", class: "lf-icon", title: "Undo (u)", "aria-label": "Undo", onclick: () => say({ do: "undo" }) }, sign("undo"));
  const redo = h("button", { type: "button", class: "lf-icon", title: "Redo (r)", "aria-label": "Redo", onclick: () => say({ do: "redo" }) }, sign("redo"));
  const save = h("button", { type: "button", class: "lf-button lf-save", title: "Save (s)", onclick: () => say({ do: "save" }) }, "Save");
  const help = h("button", { type: "button", class: "lf-icon", title: "Keys (?)", "aria-label": "Keys", "aria-expanded": "false", onclick: () => showKeys(keys.hidden) }, "?");
  const count = h("p", { class: "lf-count", role: "status", "aria-live": "polite" });
  const said = h("div", { class: "lf-said", role: "alert", hidden: true });
  const keys = h("dl", { class: "lf-keys", hidden: true }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what))));
  const bar = h("div", { class: "lf-bar" }, search, chips, kind, kept, h("span", { class: "lf-tools" }, undo, redo, help, save));

  const turned = (list, one) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);
  const filter = (changes) => {
    const { levels, kinds, text, kept: state } = model.get("view");
    say({ do: "filter", levels, kinds, text: search.value ?? text, kept: state, ...changes });
  };
  function showKeys(on) {
    keys.hidden = !on;
    help.setAttribute("aria-expanded", on);
  }

  // ---- the list

  const list = h("div", { class: "lf-list", role: "listbox", tabindex: "0", "aria-label": "Expressions", id: name("list") });
  const none = h("p", { class: "lf-none", hidden: true }, "Nothing fits these filters. ", h("button", { type: "button", class: "lf-link", onclick: () => { search.value = ""; filter({ levels: [], kinds: [], text: "", kept: "all" }); } }, "Show all"));
  const painter = createPainter(() => model.get("media"), list);
  const groups = [];

  function name(what) {
    return `lf-${model.get("uid")}-${what}`;
  }

  function build() {
    const pictures = model.get("pictures");
    let group = null;
    for (const card of cards) {
      if (group?.id !== card.group) {
        const picture = pictures[card.group] ? h("img", { src: pictures[card.group], alt: "", loading: "lazy", decoding: "async" }) : painter.canvas(card.scene_s);
        group = { id: card.group, rows: [], el: h("div", { class: "lf-group", role: "group", "aria-label": `Scene ${card.number} at ${card.scene_at}` }) };
        group.el.append(h("div", { class: "lf-thumb", onclick: () => act("select", card.id) }, picture, h("span", {}, card.scene_at)), h("div", { class: "lf-rows" }));
        groups.push(group);
      }
      const row = {
        card, word: h("b"), meaning: h("span", { class: "lf-meaning" }), level: h("span", { class: "lf-level" }), state: h("span", { class: "lf-state" }),
      };
      row.el = h("div", { class: "lf-row", role: "option", id: name(card.id), "aria-selected": "false", "data-id": card.id, onclick: () => { act("select", card.id); list.focus({ preventScroll: true }); }, ondblclick: () => play("scene") }, row.level, row.word, row.meaning, row.state);
      rows.set(card.id, row);
      group.rows.push(row);
      group.el.lastChild.append(row.el);
    }
    list.replaceChildren(...groups.map((one) => one.el));
  }

  // ---- the one that is chosen

  const player = createPlayer(say);
  const label = h("h2", { class: "lf-word" });
  const meta = h("p", { class: "lf-meta" });
  const why = h("p", { class: "lf-why" });
  const scene = h("ol", { class: "lf-lines", "aria-label": "Lines of the scene" });
  const border = (text, title, what, key) => h("button", { type: "button", class: "lf-step", title: `${title} (${key})`, "aria-label": title, onclick: () => move(what) }, text);
  const earlier = border("+ line before", "Begin a line earlier", { start: -1 }, "[");
  const later = border("− first line", "Begin a line later", { start: 1 }, "]");
  const shorter = border("− last line", "End a line earlier", { end: -1 }, "{");
  const longer = border("+ line after", "End a line later", { end: 1 }, "}");
  const field = (what, text) => {
    const input = h("textarea", { rows: 1, id: name(what), "data-what": what, onchange: () => act("edit", chosen(), { [what]: input.value }) });
    return { input, el: h("label", { class: "lf-field", for: name(what) }, h("span", {}, text), input) };
  };
  const translation = field("translation", "Translation");
  const definition = field("definition", "Definition");
  const keep = h("button", { type: "button", class: "lf-button lf-keep", title: "Keep (k)", onclick: () => act("keep", chosen()) }, sign("keep"), "Keep");
  const drop = h("button", { type: "button", class: "lf-button lf-drop", title: "Drop (d)", onclick: () => act("drop", chosen()) }, sign("drop"), "Drop");
  const line = h("button", { type: "button", class: "lf-chip", title: "Play the line (l)", onclick: () => play("line") }, "Line");
  const whole = h("button", { type: "button", class: "lf-chip", title: "Play the scene (Enter)", onclick: () => play("scene") }, "Scene");
  const detail = h("div", { class: "lf-detail", role: "region", "aria-label": "Chosen expression" },
    h("div", { class: "lf-show" }, player.el, h("div", { class: "lf-borders" }, h("span", { class: "lf-chips" }, whole, line), h("span", { class: "lf-steps" }, earlier, later, shorter, longer))),
    h("div", { class: "lf-about" }, h("div", { class: "lf-headline" }, label, h("span", { class: "lf-decide" }, keep, drop)), meta, why, scene, translation.el, definition.el));

  const timeline = createTimeline((id) => { const first = cards.find((card) => card.group === id); if (first) act("select", first.id); }, (ms) => {
    const near = cards.reduce((best, card) => (Math.abs(card.start_ms - ms) < Math.abs(best.start_ms - ms) ? card : best), cards[0]);
    if (near) act("select", near.id);
  });
  player.watch((seconds) => { timeline.head(seconds); markLine(seconds); });

  const chosen = () => model.get("view").selected;
  const decision = () => model.get("decisions").rows[chosen()];
  const act = (what, id, more = {}) => id && say({ do: what, id, ...more });
  const move = (what) => act("move", chosen(), what);

  function play(what) {
    if (!chosen()) return;
    const again = part === what && !player.video.paused;
    part = what;
    if (again) player.pause();
    else stretchTo({ play: true });
    markParts();
  }

  function stretchTo(options) {
    const [start_s, end_s] = part === "line" ? byId.get(chosen()).line : decision().scene;
    player.setStretch({ start_s, end_s }, options);
  }

  function markParts() {
    line.setAttribute("aria-pressed", part === "line");
    whole.setAttribute("aria-pressed", part === "scene");
  }

  function markLine(seconds) {
    for (const item of scene.children) item.classList.toggle("lf-now", seconds >= +item.dataset.start && seconds < +item.dataset.end);
  }

  // ---- drawing what is known

  const lines = new Map(model.get("lines").map((one) => [one[0], one]));

  function drawRow(id, state) {
    const row = rows.get(id);
    row.el.classList.toggle("lf-dropped", !state.keep);
    row.word.textContent = state.expression;
    row.meaning.textContent = state.translation || state.definition;
    row.level.textContent = state.level;
    row.level.className = `lf-level lf-${state.level}`;
    row.state.replaceChildren(state.keep ? (state.changed ? "changed" : "") : "dropped");
  }

  function drawDecisions() {
    const { rows: states, dirty, can_undo, can_redo, file } = model.get("decisions");
    for (const [id, state] of Object.entries(states)) {
      const text = JSON.stringify(state);
      if (drawn[id] !== text) { drawn[id] = text; drawRow(id, state); }
    }
    enable(undo, can_undo);
    enable(redo, can_redo);
    enable(save, dirty && file);
    save.classList.toggle("lf-dirty", dirty);
    save.textContent = dirty ? "Save" : file ? "Saved" : "Not kept";
    drawCount();
    drawDetail();
  }

  // A button keeps its focus when it has nothing to do.
  function enable(button, on) {
    button.setAttribute("aria-disabled", !on);
  }

  function drawView() {
    const view = model.get("view");
    const visible = new Set(view.visible);
    for (const group of groups) {
      let any = false;
      for (const row of group.rows) {
        const on = visible.has(row.card.id);
        any ||= on;
        if (row.el.hidden === on) row.el.hidden = !on;
        row.el.setAttribute("aria-selected", row.card.id === view.selected);
      }
      if (group.el.hidden === any) group.el.hidden = !any;
    }
    none.hidden = visible.size > 0 || !cards.length;
    list.hidden = !none.hidden;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", view.levels.includes(chip.dataset.level));
    kind.value = view.kinds[0] ?? "";
    kept.value = view.kept;
    if (document.activeElement !== search) search.value = view.text;
    const card = byId.get(view.selected);
    list.setAttribute("aria-activedescendant", card ? name(card.id) : "");
    timeline.show(new Set(cards.filter((one) => visible.has(one.id)).map((one) => one.group)));
    timeline.select(card?.group ?? null);
    drawCount();
    drawDetail();
  }

  function drawCount() {
    const { visible } = model.get("view"), all = model.get("decisions");
    const dropped = cards.length - all.kept;
    count.textContent = `${visible.length === cards.length ? `${cards.length} expression${cards.length === 1 ? "" : "s"}` : `${visible.length} of ${cards.length}`}${dropped ? `, ${dropped} dropped` : ""}${all.dirty ? ", not saved" : ""}`;
  }

  let shown = { id: null, scene: "" };

  function drawDetail() {
    const id = chosen(), card = byId.get(id), state = card && decision();
    detail.hidden = !card;
    if (!card) return;
    label.textContent = state.expression;
    meta.replaceChildren(h("span", { class: `lf-level lf-${state.level}` }, state.level), ` ${state.kind} · ${card.at}`, card.similar.length ? ` · like: ${card.similar.join(", ")}` : "");
    why.textContent = card.why;
    why.hidden = !card.why;
    keep.setAttribute("aria-pressed", state.keep);
    drop.setAttribute("aria-pressed", !state.keep);
    for (const { input } of [translation, definition]) if (shown.id !== id || document.activeElement !== input) { input.value = state[input.dataset.what]; fit(input); }
    [earlier, later, shorter, longer].forEach((button, index) => enable(button, state.moves[index]));
    drawLines(card, state);
    const stretch = state.scene.join();
    if (shown.id !== id) {
      part = "scene";
      stretchTo({ at: state.scene[0] });
      reveal(rows.get(id).el);
    } else if (shown.scene !== stretch) {
      const [start, end] = shown.scene.split(",").map(Number);
      part = "scene";
      stretchTo({ at: end !== state.scene[1] && start === state.scene[0] ? state.scene[1] : state.scene[0] });
    }
    shown = { id, scene: stretch };
    markParts();
  }

  // Scrolls the list and never the page.
  function reveal(row) {
    const view = list.getBoundingClientRect(), place = row.getBoundingClientRect();
    if (place.top < view.top) list.scrollTop -= view.top - place.top + 8;
    else if (place.bottom > view.bottom) list.scrollTop += place.bottom - view.bottom + 8;
  }

  function fit(input) {
    input.style.height = "auto";
    if (input.scrollHeight) input.style.height = `${input.scrollHeight + 2}px`;
  }

  function drawLines(card, state) {
    const items = [];
    for (let index = state.low; index <= state.high; index++) {
      const [, at, speaker, text, meant, start, end] = lines.get(index);
      const marks = card.spans.filter(([cue]) => cue === index).map(([, low, high]) => [low, high]);
      items.push(h("li", { class: marks.length ? "lf-own" : "", "data-start": start, "data-end": end, title: at, onclick: () => player.seek(start) }, speaker ? h("span", { class: "lf-speaker" }, `${speaker} `) : null, marked(text, marks), meant ? h("span", { class: "lf-meant", lang: model.get("languages")[1] }, meant) : null));
    }
    scene.replaceChildren(...items);
  }

  function marked(text, marks) {
    const letters = [...text], made = []; // Python counts whole characters
    let here = 0;
    for (const [low, high] of marks.sort((a, b) => a[0] - b[0])) {
      made.push(letters.slice(here, low).join(""), h("mark", {}, letters.slice(low, high).join("")));
      here = high;
    }
    return h("span", { class: "lf-text", lang: model.get("languages")[0] }, ...made, letters.slice(here).join(""));
  }

  // ---- keys

  const pressed = {
    ArrowDown: () => say({ do: "step", by: 1 }), ArrowUp: () => say({ do: "step", by: -1 }), j: () => say({ do: "step", by: 1 }), PageDown: () => say({ do: "step", by: 8 }), PageUp: () => say({ do: "step", by: -8 }),
    Home: () => say({ do: "step", by: -1e6 }), End: () => say({ do: "step", by: 1e6 }),
    Enter: () => play("scene"), l: () => play("line"), k: () => act("keep", chosen()), d: () => act("drop", chosen()), e: () => { translation.input.focus(); translation.input.select(); },
    u: () => say({ do: "undo" }), r: () => say({ do: "redo" }), s: () => say({ do: "save" }), "/": () => { search.focus(); search.select(); }, "?": () => showKeys(keys.hidden),
    "[": () => move({ start: -1 }), "]": () => move({ start: 1 }), "{": () => move({ end: -1 }), "}": () => move({ end: 1 }),
  };

  box.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      document.activeElement?.blur?.();
      list.focus();
      return say({ do: "save" });
    }
    if (typing) {
      if (event.key === "Escape" && typing === search && search.value) { search.value = ""; filter({ text: "" }); }
      else if (event.key === "Escape") { if (typing.dataset.what) typing.value = decision()[typing.dataset.what]; list.focus(); }
      else if (event.key === "Enter" && typing.matches("textarea") && !event.isComposing) { event.preventDefault(); list.focus(); }
      else if (event.key === "ArrowDown" && typing === search) { event.preventDefault(); list.focus(); say({ do: "step", by: 0 }); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("button, input") && ["Enter", " ", "ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    if (pressed[event.key]) { event.preventDefault(); pressed[event.key](); }
  });
  for (const button of [undo, redo, save, earlier, later, shorter, longer]) {
    button.addEventListener("click", (event) => { if (button.getAttribute("aria-disabled") === "true") event.stopImmediatePropagation(); }, true);
  }
  for (const { input } of [translation, definition]) input.addEventListener("input", () => fit(input));

  // ---- together

  let hush = 0;
  const tell = () => {
    const { text, bad } = model.get("said");
    clearTimeout(hush);
    said.hidden = !text;
    said.className = `lf-said${bad ? " lf-bad" : ""}`;
    said.replaceChildren(...(text ? [h("span", {}, text), ...(bad === "changed" ? [h("button", { type: "button", class: "lf-link", onclick: () => say({ do: "reload" }) }, "Read it again"), h("button", { type: "button", class: "lf-link", onclick: () => say({ do: "save", overwrite: true }) }, "Save over it")] : []), h("button", { type: "button", class: "lf-icon", "aria-label": "Close", onclick: () => { said.hidden = true; } }, sign("drop"))] : []));
    if (text && !bad) hush = setTimeout(() => { said.hidden = true; }, 4000);
  };

  build();
  box.append(bar, count, said, keys, timeline.el, h("div", { class: "lf-panes" }, h("div", { class: "lf-left" }, list, none), detail));
  timeline.draw(model.get("drawing"));
  player.setMedia(model.get("media"));
  player.setStretch(model.get("choice"));
  listen.on("change:decisions", drawDecisions);
  listen.on("change:view", drawView);
  listen.on("change:said", tell);
  listen.on("change:media", () => player.setMedia(model.get("media")));
  listen.on("change:choice", () => { const { loop, speed, shown: tracks } = model.get("choice"); player.setStretch({ loop, speed, shown: tracks }); });
  drawDecisions();
  drawView();
  tell();
  painter.begin();
  const late = new ResizeObserver(() => [translation, definition].forEach(({ input }) => fit(input)));
  late.observe(detail);
  return () => { listen.end(); late.disconnect(); painter.end(); player.destroy(); clearTimeout(hush); };
}

// Draws small pictures of scenes that have none yet, straight from the film, one after the other as they come into sight.
function createPainter(media, list) {
  const film = h("video", { muted: true, preload: "auto", playsinline: true });
  film.muted = true;
  const queue = [];
  const moments = new Map();
  let busy = null, seen = null, ready = false;

  function next() {
    if (busy || !queue.length) return;
    if (!ready) {
      const source = media().sources.find((one) => one.to_s == null);
      if (!source) return;
      ready = true;
      film.src = source.url;
    }
    if (film.readyState === 0) return;
    busy = queue.shift();
    film.currentTime = moments.get(busy);
  }

  film.addEventListener("loadedmetadata", next);
  film.addEventListener("error", () => { queue.length = 0; });
  film.addEventListener("seeked", () => {
    const canvas = busy;
    if (!canvas || !film.videoWidth) return;
    canvas.width = 192;
    canvas.height = Math.round((192 * film.videoHeight) / film.videoWidth);
    canvas.getContext("2d").drawImage(film, 0, 0, canvas.width, canvas.height);
    canvas.classList.add("lf-drawn");
    busy = null;
    next();
  });

  return {
    canvas([start, end]) {
      const made = h("canvas", { width: 192, height: 108, "aria-hidden": "true" });
      moments.set(made, (start + end) / 2);
      return made;
    },
    begin() {
      seen = new IntersectionObserver((entries) => {
        for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); queue.push(entry.target); }
        next();
      }, { root: list, rootMargin: "100px" });
      for (const canvas of moments.keys()) seen.observe(canvas);
    },
    end() {
      seen?.disconnect();
      queue.length = 0;
      busy = null;
      film.removeAttribute("src");
      film.load();
    },
  };
}
