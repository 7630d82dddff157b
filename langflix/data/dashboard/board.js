// Draws what langflix.board says, and sends wishes back. Nothing is kept here but what a person is looking at.

// ---- a page from a description: elements are kept and only what differs is changed, so a film plays on while figures change
const h = (tag, props, ...kids) => ({ tag, props: props ?? {}, kids: kids.flat(9).filter((kid) => kid !== null && kid !== undefined && kid !== false).map((kid) => (typeof kid === "object" ? kid : String(kid))) });

const setOne = (dom, name, value, before) => {
  if (name === "key" || name === "html" || name === "init") return;
  if (name.startsWith("on")) dom[name] = value ?? null;
  else if (name === "value" || name === "checked") { if (value !== before) dom[name] = value; }
  else if (value === null || value === undefined || value === false) dom.removeAttribute(name);
  else if (String(value) !== String(before)) dom.setAttribute(name, value === true ? "" : value);
};

const update = (dom, kid) => {
  if (typeof kid === "string") { if (dom.data !== kid) dom.data = kid; return; }
  const before = dom.__props ?? {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(kid.props)])) setOne(dom, name, kid.props[name], before[name]);
  if (kid.props.html !== undefined) { if (kid.props.html !== before.html) dom.innerHTML = kid.props.html; }
  else reconcile(dom, kid.kids);
  dom.__props = kid.props;
  if (!before.__seen && kid.props.init) { kid.props.init(dom); }
  dom.__props.__seen = true;
};

const reconcile = (node, kids) => {
  const old = new Map();
  for (const dom of node.childNodes) old.set(dom.__key, dom);
  let at = node.firstChild;
  kids.forEach((kid, index) => {
    const key = typeof kid === "string" ? `#${index}` : kid.props.key ?? `${kid.tag}#${index}`;
    let dom = old.get(key);
    if (!dom) { dom = typeof kid === "string" ? document.createTextNode(kid) : document.createElement(kid.tag); dom.__key = key; }
    old.delete(key);
    update(dom, kid);
    if (dom === at) at = at.nextSibling;
    else node.insertBefore(dom, at);
  });
  for (const dom of old.values()) dom.remove();
};

// ---- words
const MARK = `<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0d5c63"/><path d="M11 8v11.5a2.5 2.5 0 0 0 2.5 2.5H22" fill="none" stroke="#fffdf8" stroke-width="3.4" stroke-linecap="round"/><path d="M17 9.2l6 3.6-6 3.6z" fill="#f9dfa4"/></svg><span>LangFlix</span>`;
const NAMES = { new: "New", waiting: "Waiting", running: "Running", stopping: "Stopping", ready: "Ready", "in part": "Ready in part", "to review": "To review", failed: "Failed", cancelled: "Cancelled", empty: "Nothing found" };
const LOOKS = { "in part": "part", "to review": "review", cancelled: "", empty: "", new: "" };
const LANGUAGES = { en: "English", ko: "Korean", ja: "Japanese", zh: "Chinese", es: "Spanish", fr: "French", de: "German", it: "Italian", pt: "Portuguese", ru: "Russian", ar: "Arabic", he: "Hebrew", hi: "Hindi", th: "Thai", vi: "Vietnamese", "?": "unknown language" };
const FINDERS = { embedded: "the built-in lexicon", gemini: "Gemini" };
const many = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
const language = (code) => LANGUAGES[code] ?? code;
const HUES = [186, 36, 330, 214, 140, 16, 262];
const hue = (text) => HUES[[...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % HUES.length];
const duration = (seconds) => { const s = Math.max(0, Math.round(seconds)); return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`; };
const when = (moment) => { const date = new Date(moment * 1000), days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment * 1000).setHours(0, 0, 0, 0)) / 864e5); const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }); return days === 0 ? `today ${time}` : days === 1 ? `yesterday ${time}` : date.toLocaleDateString([], { day: "numeric", month: "short", year: days > 300 ? "numeric" : undefined }); };
const pill = (state) => h("span", { class: `lb-pill ${LOOKS[state] ?? state}` }, NAMES[state] ?? state);
const bar = (share, label) => h("div", { class: "lb-bar", role: "progressbar", "aria-label": label, "aria-valuenow": Math.round(share * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, h("i", { style: `width:${(share * 100).toFixed(1)}%` }));
const level = (name) => h("span", { class: `lb-level ${name}` }, name);

function render({ model, el }) {
  const base = model.get("base_url");
  const view = { filter: "all", text: "", dialog: null, toast: null, lost: false, details: {}, open: {}, logs: {}, layout: "long", checks: null, stage: "", busy: false };
  const waiting = new Map();
  let number = 0, heard = Date.now(), stopped = false;

  // ---- talking with the kernel
  const ask = (wish) => new Promise((answer) => { number += 1; waiting.set(number, { answer, at: Date.now(), look: wish.do === "look" }); model.send({ n: number, ...wish }); });
  model.on("msg:custom", (answer) => {
    heard = Date.now();
    if (view.lost) { view.lost = false; draw(); }
    waiting.get(answer.n)?.answer(answer); waiting.delete(answer.n);
  });
  const say = (text, bad = false) => { view.toast = { text, bad }; draw(); clearTimeout(say.timer); say.timer = setTimeout(() => { view.toast = null; draw(); }, bad ? 8000 : 3500); };
  const wish = async (what, done) => {
    const answer = await ask(what);
    if (answer.ok) done?.(answer); else say(`${answer.message}${answer.hint ? ". " + answer.hint : ""}`, true);
    look();
    return answer;
  };
  const look = () => ask({ do: "look" });

  // ---- where a person is: kept in the address, so that a reload comes back here
  const place = () => { const [, kind = "", name = "", tab = "", at = ""] = location.hash.split("/"); return { kind: kind || "library", name: decodeURIComponent(name), tab: tab || "watch", at: Number(at) || 0 }; };
  const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
  const go = async () => {
    const here = place();
    view.toast = null;
    if (here.kind === "episode") await openEpisode(here);
    const stage = here.kind === "episode" && here.tab === "review" ? here.name : "";
    if (stage !== view.stage) {
      view.stage = stage;
      document.body.toggleAttribute("data-stage", Boolean(stage));
      if (stage) { view.busy = true; draw(); const answer = await ask({ do: "review", name: stage }); view.busy = false; if (!answer.ok) { document.body.removeAttribute("data-stage"); view.reviewProblem = answer; } else view.reviewProblem = null; }
    }
    draw();
  };
  const openEpisode = async ({ name }) => {
    const row = model.get("episodes").find((one) => one.name === name), mark = row?.made_at ?? 0;
    if (view.details[name]?.made_at === mark && mark) return;
    const answer = await ask({ do: "open", name });
    view.details[name] = answer.ok ? answer.episode : { problem: answer };
  };

  // ---- parts of the page
  const episodes = () => model.get("episodes"), jobs = () => model.get("jobs"), today = () => model.get("today"), defaults = () => model.get("defaults");
  const active = () => jobs().filter((job) => ["running", "stopping", "waiting"].includes(job.state)).sort((one, other) => (one.state === "waiting") - (other.state === "waiting") || one.created_at - other.created_at);

  const head = (here) => h("header", { class: "lb-head" }, h("div", {},
    h("a", { class: "lb-mark", href: "#/", html: MARK, "aria-label": "LangFlix, to the library" }),
    h("nav", { class: "lb-nav", "aria-label": "Main" },
      h("a", { href: "#/", "aria-current": here.kind !== "jobs" ? "page" : null }, "Library"),
      h("a", { href: "#/jobs", "aria-current": here.kind === "jobs" ? "page" : null }, "Jobs", active().length ? h("b", { "aria-label": `${active().length} at work` }, active().length) : null)),
    h("button", { class: "lb-tool lb-theme", onclick: nextTheme, title: "Change the colours" }, { auto: "System", light: "Light", dark: "Dark" }[theme()]),
    document.body.dataset.login ? h("form", { method: "post", action: `${base}logout` }, h("button", { class: "lb-tool" }, "Log out")) : null),
    view.lost ? h("div", { class: "lb-banner", role: "alert" }, "Connection lost. ", h("small", {}, "Trying again; runs go on meanwhile.")) : null,
    model.get("problem") ? h("div", { class: "lb-banner", role: "alert" }, model.get("problem").message, ". ", h("small", {}, model.get("problem").hint)) : null);

  const place_ = (row) => row.place ? h("span", { class: "lb-place" }, ` ${row.place}`) : null;
  const theme = () => document.documentElement.dataset.theme ?? "auto";
  const nextTheme = () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[theme()];
    if (next === "auto") { delete document.documentElement.dataset.theme; localStorage.removeItem("langflix-theme"); } else { document.documentElement.dataset.theme = next; localStorage.setItem("langflix-theme", next); }
    draw();
  };

  const figures = () => { const day = today(); return h("dl", { class: "lb-figures" },
    h("div", {}, h("dt", {}, "lessons today"), h("dd", {}, day.lessons ?? 0)),
    defaults().has_key || day.cost_usd ? h("div", {}, h("dt", {}, "cost today"), h("dd", {}, `$${(day.cost_usd ?? 0).toFixed(2)}`)) : null,
    day.quota_limit ? h("div", {}, h("dt", {}, "requests today"), h("dd", {}, day.quota_used, h("small", {}, ` of ${day.quota_limit}`))) : null); };

  const FILTERS = { all: ["All", () => true], ready: ["Ready", (row) => ["ready", "in part"].includes(row.state)], new: ["New", (row) => row.state === "new"], work: ["At work", (row) => ["waiting", "running"].includes(row.state)], look: ["Needs a look", (row) => ["failed", "in part", "to review", "empty"].includes(row.state)] };
  const fits = (row) => view.text.toLowerCase().split(/\s+/).every((word) => `${row.title} ${row.place} ${row.folder} ${row.name}`.toLowerCase().includes(word));

  const factsOf = (row) => {
    if (["waiting", "running"].includes(row.state)) return row.state === "waiting" ? "In line" : `${row.says || "Starting"} · ${Math.round(row.fraction * 100)} %`;
    if (row.state === "failed" || row.state === "in part") return row.says;
    if (row.lessons) return `${many(row.lessons, "lesson")} · ${many(row.expressions, "expression")}`;
    if (row.state === "to review") return `${many(row.expressions, "expression")} in ${many(row.scenes, "scene")}, to be looked over`;
    if (row.state === "empty") return "Nothing in it was worth a lesson";
    if (row.video === "sample") return "Two minutes that come with LangFlix";
    return row.subtitles.length ? `Subtitles: ${row.subtitles.map(language).join(", ")}` : `${row.size_mb} MB · no subtitle file beside it`;
  };
  const actionOf = (row) => {
    const start = (label, quiet) => row.video ? h("button", { class: `lb-button ${quiet ? "quiet" : "soft"}`, onclick: () => openDialog(row) }, label) : null;
    if (row.lessons && !["waiting", "running"].includes(row.state)) return h("a", { class: "lb-button quiet", href: to("episode", row.name) }, "Watch");
    if (row.state === "to review") return h("a", { class: "lb-button", href: to("episode", row.name, "review") }, "Review");
    if (["waiting", "running"].includes(row.state)) return h("a", { class: "lb-button quiet", href: "#/jobs", "aria-label": `Follow ${row.title} ${row.place}` }, "Follow");
    if (row.state === "failed" && row.job) return h("button", { class: "lb-button quiet", onclick: () => wish({ do: "retry", id: row.job }, () => say(`${row.title} is in line again`)) }, "Try again");
    return start(row.state === "empty" ? "Again" : "Make lessons", row.state === "empty");
  };
  const card = (row) => h("li", { class: "lb-card", key: row.name },
    h("div", { class: "lb-still", style: `--hue:${hue(row.title)}`, "aria-hidden": "true" },
      row.picture ? h("img", { src: row.picture, alt: "", loading: "lazy", key: row.picture }) : h("span", {}, row.place || row.title.slice(0, 1)),
      row.picture && row.place ? h("em", {}, row.place) : null,
      row.state === "running" ? bar(row.fraction, `${row.title}: how far`) : null),
    h("div", { class: "body" }, h("h2", {}, row.lessons || row.state === "to review" ? h("a", { href: to("episode", row.name, ...(row.lessons ? [] : ["review"])) }, row.title) : row.title, place_(row)),
      h("p", { class: `facts ${row.state === "failed" ? "warn" : ""}`, title: row.says }, factsOf(row)),
      h("div", { class: "foot" }, pill(row.state), actionOf(row))));

  const library = () => {
    const all = episodes(), shown = all.filter((row) => FILTERS[view.filter][1](row) && fits(row));
    const ready = all.filter(FILTERS.ready[1]).length;
    return [
      h("div", { class: "lb-top" }, h("div", {}, h("h1", { tabindex: -1 }, "Library"), h("p", { class: "lb-sub" }, all.length ? `${many(all.length, "episode")}, ${ready || "none"} with lessons${ready ? "" : " yet"}` : "Nothing here yet")), figures()),
      held(),
      active().length ? h("section", { "aria-label": "At work" }, h("ul", { class: "lb-jobs now" }, active().slice(0, 3).map(jobCard))) : null,
      all.length > 1 ? h("div", { class: "lb-tools" },
        h("input", { class: "lb-search", type: "search", placeholder: "Search the library", "aria-label": "Search the library", value: view.text, oninput: (event) => { view.text = event.target.value; draw(); } }),
        h("div", { class: "lb-chips", role: "group", "aria-label": "Which episodes" }, Object.entries(FILTERS).map(([name, [label, test]]) => h("button", { class: "lb-chip", "aria-pressed": String(view.filter === name), onclick: () => { view.filter = name; draw(); } }, `${label} ${all.filter(test).length}`)))) : null,
      shown.length ? h("ul", { class: "lb-grid" }, shown.map(card)) : all.length ? h("div", { class: "lb-empty" }, h("h2", {}, "Nothing fits"), h("p", {}, "No episode is like this."), h("button", { class: "lb-button quiet", onclick: () => { view.filter = "all"; view.text = ""; draw(); el.querySelector(".lb-search").value = ""; } }, "Show all")) : empty(),
      all.length && !all.some((row) => row.video && row.video !== "sample") ? h("p", { class: "lb-sub", style: "margin-top:1.4rem!important" }, "Films that are put into ", h("code", {}, defaults().media), " appear here.") : null,
      health()];
  };
  const empty = () => h("div", { class: "lb-empty" }, h("h2", {}, "Put a film here, or try the sample"),
    h("p", {}, "LangFlix looks for videos in ", h("code", {}, defaults().media), ". Put one there with its subtitles beside it, and it appears by itself."),
    h("button", { class: "lb-button", onclick: () => openDialog({ name: "sample", title: "The sample episode", place: "", subtitles: ["en", "ko"], video: "sample" }) }, "Make lessons from the sample"));
  const held = () => { // why what waits does not begin
    const why = active().some((job) => job.state === "waiting") && model.get("health").find((check) => check.status === "failed" || (check.name === "Jobs" && check.status !== "ok"));
    return why ? h("div", { class: "lb-note", role: "status", style: "margin-bottom:1.1rem" }, h("b", {}, `${why.name}: ${why.message}`), h("span", {}, why.hint)) : null;
  };
  const gathered = (checks) => { // what is well with every font is one line
    const fonts = checks.filter((check) => check.status === "ok" && check.name.startsWith("font for ")), rest = checks.filter((check) => !fonts.includes(check));
    return fonts.length ? [...rest, { name: "Fonts", message: `${many(fonts.length, "language")} can be drawn`, hint: fonts.map((check) => `${check.name.slice(9)}: ${check.message}`).join("\n"), status: "ok" }] : rest;
  };
  const health = () => h("section", { class: "lb-health", "aria-label": "Health" }, h("ul", {}, [...model.get("health"), ...gathered(view.checks ?? [])].map((check) => h("li", { class: check.status, title: check.hint, key: check.name }, `${check.name}: ${check.message}`, check.hint && check.status !== "ok" ? `. ${check.hint}` : ""))),
    h("button", { class: "lb-tool", disabled: view.checking, onclick: async () => { view.checking = true; draw(); const answer = await ask({ do: "doctor" }); view.checking = false; view.checks = answer.checks ?? view.checks; if (!answer.ok) say(`${answer.message}. ${answer.hint}`, true); draw(); } }, view.checking ? "Looking…" : "Check everything"));

  // ---- jobs
  const STAGES = ["Find expressions", "Render lessons", "Write files"];
  const steps = (job) => { const at = STAGES.indexOf(job.stage); const now = at < 0 ? "Starting…" : `${STAGES[at]}${job.total ? ` ${job.done} of ${job.total}` : ""}`; return h("div", {}, h("div", { class: `lb-steps ${at < 0 ? "starting" : ""}` }, STAGES.map((name, index) => { const share = index < at ? 1 : index > at ? 0 : job.total ? Math.min(job.done / job.total, 1) : 0; return h("div", { class: index === at ? "on" : "" }, bar(share, name), h("span", {}, index === at && job.total ? `${name} ${job.done}/${job.total}` : name)); })), h("p", { class: "lb-now" }, now)); };
  const jobCard = (job) => {
    const busy = ["running", "stopping"].includes(job.state), ended = ["ready", "in part", "failed", "cancelled"].includes(job.state);
    const row = episodes().find((one) => one.name === job.name);
    const time = busy && job.started_at ? duration(Date.now() / 1000 - job.started_at) : ended && job.finished_at ? `${when(job.finished_at)}${job.started_at ? `, took ${duration(job.finished_at - job.started_at)}` : ""}` : `since ${when(job.created_at).replace("today ", "")}`;
    return h("li", { class: "lb-job", key: job.id, "data-state": job.state },
      h("header", {}, h("h2", {}, row?.lessons ? h("a", { href: to("episode", job.name) }, row.title, place_(row)) : row ? [row.title, place_(row)] : job.name), pill(job.state), h("span", {}, time)),
      busy ? steps(job) : null,
      job.error ? h("div", { class: "lb-note", role: "status" }, h("b", {}, job.error), h("span", {}, job.hint)) : null,
      h("div", { class: "row" }, h("p", { class: `what ${busy ? "" : "whole"}` }, busy ? job.what || (job.stage ? job.wish : "Starting…") : [job.summary, job.wish].filter(Boolean).join(" · ")),
        h("div", {}, job.state === "failed" || job.state === "in part" ? h("button", { class: "lb-button quiet", onclick: () => showLog(job), "aria-expanded": String(job.id in view.logs) }, job.id in view.logs ? "Hide log" : "Log") : null,
          ended && job.state !== "ready" ? h("button", { class: "lb-button quiet", onclick: () => wish({ do: "retry", id: job.id }, () => say(`${row?.title ?? job.name} is in line again`)) }, "Try again") : null,
          !ended ? h("button", { class: "lb-button quiet", disabled: job.state === "stopping", onclick: () => wish({ do: "cancel", id: job.id }) }, job.state === "stopping" ? "Stopping…" : "Cancel") : null)),
      job.id in view.logs ? h("pre", { tabindex: 0, "aria-label": "Log" }, view.logs[job.id] || "The log is empty.") : null);
  };
  const showLog = async (job) => { if (job.id in view.logs) delete view.logs[job.id]; else view.logs[job.id] = (await ask({ do: "log", id: job.id })).log ?? ""; draw(); };
  const jobsPage = () => { const now = active(), past = jobs().filter((job) => !now.includes(job)); return [
    h("div", { class: "lb-top" }, h("div", {}, h("h1", { tabindex: -1 }, "Jobs"), h("p", { class: "lb-sub" }, now.length ? `${many(now.length, "job")} at work or in line` : "Nothing is at work")), figures()),
    held(), now.length ? h("ul", { class: "lb-jobs now" }, now.map(jobCard)) : null,
    past.length ? [h("h2", { class: "lb-section" }, "Earlier"), h("ul", { class: "lb-jobs" }, past.map(jobCard))] : now.length ? null : h("div", { class: "lb-empty" }, h("h2", {}, "No run yet"), h("p", {}, "Choose an episode in the library and make lessons from it."), h("a", { class: "lb-button", href: "#/" }, "To the library")),
    health()]; };

  // ---- one episode
  const episodePage = (here) => {
    const found = view.details[here.name], row = episodes().find((one) => one.name === here.name);
    const tab = (name, label) => h("a", { href: to("episode", here.name, name), "aria-current": here.tab === name ? "page" : null }, label);
    const back = h("a", { class: "lb-back", href: "#/" }, "← Library");
    if (!found) return [h("div", { class: "lb-top" }, h("div", {}, back, h("h1", {}, row?.title ?? here.name)))];
    const title = row ? [row.title, place_(row)] : here.name;
    if (found.problem && row?.state === "new") return [h("div", { class: "lb-top" }, h("div", {}, back, h("h1", { tabindex: -1 }, title))),
      h("div", { class: "lb-empty" }, h("h2", {}, "No lessons yet"), h("p", {}, "Nothing was made of this episode so far."), row.video ? h("button", { class: "lb-button", onclick: () => openDialog(row) }, "Make lessons") : null)];
    if (found.problem && !row) return [h("div", { class: "lb-top" }, h("div", {}, back, h("h1", { tabindex: -1 }, "Not here"))),
      h("div", { class: "lb-empty" }, h("h2", {}, "There is no such episode"), h("p", {}, `Nothing in the library is called ${here.name}. It may have been moved or renamed.`), h("a", { class: "lb-button", href: "#/" }, "To the library"))];
    if (found.problem && ["waiting", "running"].includes(row.state)) return [h("div", { class: "lb-top" }, h("div", {}, back, h("h1", { tabindex: -1 }, title))), held(), h("ul", { class: "lb-jobs" }, jobs().filter((job) => job.id === row.job).map(jobCard))];
    if (found.problem) return [h("div", { class: "lb-top" }, h("div", {}, back, h("h1", { tabindex: -1 }, title))), h("div", { class: "lb-note" }, h("b", {}, found.problem.message), h("span", {}, found.problem.hint))];
    return [
      h("div", { class: "lb-top" }, h("div", {}, back, h("h1", { tabindex: -1 }, found.title, found.place ? h("span", { class: "lb-place" }, ` ${found.place}`) : null),
        h("p", { class: "lb-sub" }, `${many(found.lessons.length, "lesson")} · ${many(found.stats.expressions, "expression")} · ${language(found.languages[0])} to ${language(found.languages[1])}`)),
        row?.video ? h("button", { class: "lb-button quiet", onclick: () => openDialog(row) }, "Make again") : null),
      h("nav", { class: "lb-tabs", "aria-label": "Episode" }, tab("watch", "Watch"), tab("review", "Review"), tab("files", "Files and facts")),
      here.tab === "files" ? filesTab(found) : here.tab === "review" ? reviewTab(found) : watchTab(found, here)];
  };

  const watchTab = (found, here) => {
    const layouts = [...new Set(found.lessons.map((one) => one.layout))], layout = layouts.includes(view.layout) ? view.layout : layouts[0];
    const shown = found.lessons.filter((one) => one.layout === layout), at = Math.min(here.at, shown.length - 1), lesson = shown[at];
    if (!lesson) return h("div", { class: "lb-empty" }, h("h2", {}, "No lessons yet"), h("p", {}, "Look over what was found, then make the lessons."), h("a", { class: "lb-button", href: to("episode", found.name, "review") }, "Review"));
    const next = () => { if (at + 1 < shown.length) { view.autoplay = true; location.hash = to("episode", found.name, "watch", at + 1); } };
    return h("div", { class: "lb-watch" },
      h("div", {},
        h("div", { class: `lb-player ${layout === "short" ? "tall" : ""}` }, h("video", { key: lesson.url, src: lesson.url, poster: lesson.picture || null, controls: true, preload: "metadata", playsinline: true, "aria-label": `Lesson: ${lesson.title}`, onended: next, init: (video) => { if (view.autoplay) { view.autoplay = false; video.play().catch(() => {}); } } })),
        h("div", { class: "lb-taught" }, lesson.teaches.length ? lesson.teaches.map((one) => h("article", { key: one.expression },
          h("h2", {}, one.expression, level(one.level)), one.translation ? h("p", { class: "means" }, one.translation) : null, one.definition ? h("p", { class: "soft" }, one.definition) : null,
          h("p", { class: "said" }, one.text), one.why ? h("p", { class: "soft", style: "font-size:.87rem;margin-top:.5rem" }, one.why) : null)) : h("h2", {}, lesson.title))),
      h("div", { class: "lb-side" },
        layouts.length > 1 ? h("div", { class: "lb-seg", role: "group", "aria-label": "Shape" }, layouts.map((name) => h("button", { "aria-pressed": String(name === layout), onclick: () => { view.layout = name; draw(); } }, name === "long" ? "Wide" : "Tall"))) : null,
        h("nav", { class: "lb-list", "aria-label": "Lessons" }, shown.map((one, index) => h("a", { href: to("episode", found.name, "watch", index), class: layout === "short" ? "tall" : "", "aria-current": index === at ? "true" : null, key: one.url, onclick: () => { view.autoplay = true; } },
          one.picture ? h("img", { src: one.picture, alt: "", loading: "lazy" }) : h("i", {}), h("span", {}, h("b", {}, one.title), h("small", {}, [one.teaches[0]?.translation, one.length].filter(Boolean).join(" · "))))))));
  };
  const reviewTab = (found) => [
    view.busy ? h("p", { class: "lb-sub" }, "Opening…") : null,
    view.reviewProblem ? h("div", { class: "lb-note" }, h("b", {}, view.reviewProblem.message), h("span", {}, view.reviewProblem.hint)) : h("div", { class: "lb-tools" },
      h("p", { class: "lb-sub", style: "flex:1 1 20rem;margin:0!important" }, "Keep or drop, correct, move the borders of a scene. The lessons are then made anew, and only what changed is rendered."),
      h("button", { class: "lb-button", onclick: () => wish({ do: "start", parameters: { video: found.name, reviewed: true } }, () => { say("The lessons are being made as reviewed"); clicked = place(); location.hash = "#/jobs"; }) }, "Make lessons as reviewed"))];
  const filesTab = (found) => [
    h("div", { class: "lb-files" }, found.files.map((file) => h("a", { href: file.opens ? file.url : `${file.url}?download=1`, target: file.opens ? "_blank" : null, rel: "noopener", key: file.url }, file.name, h("small", {}, file.opens ? "opens" : "download")))),
    h("dl", { class: "lb-facts" }, [["Found by", FINDERS[found.analyzer] ?? found.analyzer], ["Made", when(found.made_at)], ["Time", duration(found.stats.wall_s)], ["Cost", found.stats.cost_usd === null ? "not known" : found.stats.cost_usd ? `$${found.stats.cost_usd.toFixed(4)}` : "nothing"], ["Expressions", `${found.stats.expressions} in ${many(found.stats.scenes, "scene")}`], ["Left out", found.stats.dropped]].filter(([, value]) => value !== "" && value !== null).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    found.failures.length ? [h("h2", { class: "lb-section" }, "What failed"), h("ul", { class: "lb-bullets" }, found.failures.map((one) => h("li", {}, one.message)))] : null,
    found.notes.length ? [h("h2", { class: "lb-section" }, "Notes"), h("ul", { class: "lb-bullets" }, found.notes.map((note) => h("li", {}, note)))] : null];

  // ---- starting a run
  let opener = null; // where the focus goes back to
  const openDialog = (row) => { opener = document.activeElement; view.dialog = row; draw(); el.querySelector("dialog").showModal(); };
  const dialog = () => {
    const row = view.dialog; if (!row) return null;
    const known = defaults(), close = () => { view.dialog = null; draw(); if (opener?.isConnected) opener.focus(); opener = null; };
    const submit = async (event) => {
      event.preventDefault();
      const form = new FormData(event.target), parameters = { video: row.name, level: form.get("level"), mode: form.get("mode"), formats: form.getAll("formats"), analyzer: form.get("analyzer"), review: form.has("review") };
      for (const name of ["level", "mode", "formats", "analyzer"]) if (String(parameters[name]) === String(known[name])) delete parameters[name];
      if (form.get("max")) parameters.max_expressions = Number(form.get("max"));
      if (!parameters.review) delete parameters.review;
      const answer = await wish({ do: "start", parameters });
      if (answer.ok) { close(); say(answer.new ? `${row.title} is in line` : "The same run is at work already"); }
    };
    const oneShape = (event) => { const boxes = [...event.target.form.elements.formats]; boxes[0].setCustomValidity(boxes.some((box) => box.checked) ? "" : "Choose wide, tall or both."); };
    const radio = (name, value, label, chosen) => h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen }), label);
    return h("dialog", { class: "lb-dialog", key: row.name, onclose: close, onclick: (event) => { if (event.target.tagName === "DIALOG") close(); }, "aria-label": `Make lessons from ${row.title}` },
      h("form", { onsubmit: submit },
        h("div", {}, h("h2", {}, row.title, row.place ? ` ${row.place}` : ""), h("p", { class: "lb-sub" }, row.subtitles?.length ? `Subtitles: ${row.subtitles.map(language).join(", ")}` : "No subtitle file beside it: those inside the film are used")),
        h("div", { class: "two" },
          h("label", { class: "lb-field" }, h("span", {}, "Your level"), h("select", { name: "level" }, ["", "A1", "A2", "B1", "B2", "C1", "C2"].map((name) => h("option", { value: name, selected: name === known.level }, name || "Any"))), h("small", {}, "The next step up comes first.")),
          h("label", { class: "lb-field" }, h("span", {}, "How many expressions"), h("input", { type: "number", name: "max", min: 1, max: 500, placeholder: known.max_expressions ?? "All", inputmode: "numeric" }), h("small", {}, "At most so many, the best ones."))),
        h("fieldset", { class: "lb-field" }, h("legend", {}, "One lesson for"), h("div", { class: "lb-seg" }, radio("mode", "separate", "each expression", known.mode), radio("mode", "combined", "each scene", known.mode))),
        h("fieldset", { class: "lb-field" }, h("legend", {}, "Shape, one or both"), h("div", { class: "lb-seg ticks" }, [["long", "Wide, 16:9"], ["short", "Tall, 9:16"]].map(([name, label]) => h("label", {}, h("input", { type: "checkbox", name: "formats", value: name, checked: known.formats.includes(name), onchange: oneShape }), label)))),
        h("label", { class: "lb-field" }, h("span", {}, "Found by"), h("select", { name: "analyzer" }, h("option", { value: "auto", selected: known.analyzer === "auto" }, known.has_key ? "Gemini" : "Built-in lexicon"), known.has_key ? h("option", { value: "embedded", selected: known.analyzer === "embedded" }, "Built-in lexicon") : null), known.has_key ? null : h("small", {}, "Gemini finds more and translates. It can be chosen once GEMINI_API_KEY is set.")),
        h("label", { class: "lb-check" }, h("input", { type: "checkbox", name: "review" }), h("span", {}, "Let me look it over first", h("small", {}, "Stops before rendering, so that you can drop and correct."))),
        h("div", { class: "end" }, h("button", { class: "lb-button quiet", type: "button", onclick: close }, "Not now"), h("button", { class: "lb-button" }, "Make lessons"))));
  };

  // ---- the whole page
  const draw = () => {
    if (stopped) return;
    const here = place();
    const page = here.kind === "jobs" ? jobsPage() : here.kind === "episode" ? episodePage(here) : library();
    const ready = model.get("seen");
    reconcile(el, [h("div", { class: "lb", key: "page" }, head(here), h("main", { class: "lb-page" }, ready ? page : h("div", { class: "lb-top" }, h("h1", {}, "Library")), ready ? null : h("div", { class: "lb-skeleton" }, [1, 2, 3, 4].map(() => h("i", {})))), dialog(),
      view.toast ? h("div", { class: `lb-toast ${view.toast.bad ? "bad" : ""}`, role: "status" }, view.toast.text) : null)]);
    document.title = here.kind === "episode" ? `${view.details[here.name]?.title ?? here.name} · LangFlix` : here.kind === "jobs" ? "Jobs · LangFlix" : "LangFlix";
  };

  // ---- staying true: ask while somebody looks; after a restart of the server the page is made anew
  const kernel = model.get("kernel_id");
  const lose = () => { if (!view.lost) { view.lost = true; draw(); } };
  let reviving = false;
  const revive = async (silent_ms) => { // nobody answers: is the kernel busy, is it gone, or is nobody there?
    if (reviving) return;
    reviving = true;
    try {
      const answer = await fetch(`${base}api/kernels/${kernel}`, { cache: "no-store" });
      if (answer.status === 404) location.reload();
      if (answer.status === 403) location.href = `${base}login?next=${encodeURIComponent(base)}`;
      if (silent_ms > 30e3) lose(); // it lives; some things take a while
    } catch { lose(); } // the server is not there yet
    reviving = false;
  };
  const giveUp = () => { for (const [n, one] of waiting) if (Date.now() - one.at > (one.look ? 30e3 : 180e3)) { waiting.delete(n); one.answer({ ok: false, message: "No answer came", hint: "Try again." }); } };
  let hidden = 0, asked = 0;
  const tick = () => {
    if (document.hidden) { hidden ||= Date.now(); if (kernel && Date.now() - hidden > 30 * 60e3 && !stopped) { stopped = true; fetch(`${base}voila/api/shutdown/${kernel}`, { method: "POST" }).catch(() => {}); } return; }
    if (stopped) return location.reload();
    hidden = 0;
    const silent_ms = waiting.size ? Date.now() - Math.max(heard, Math.min(...[...waiting.values()].map((one) => one.at))) : 0;
    if (silent_ms > 5000) { if (kernel) revive(silent_ms); else if (silent_ms > 30e3) lose(); }
    giveUp();
    if (Date.now() - asked > (active().length ? 1000 : 4000) && ![...waiting.values()].some((one) => one.look)) { asked = Date.now(); look(); }
    if (active().length) draw();
  };
  const timer = setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  // A click leads to the top of what it opens, and to the film where a lesson was chosen below it; going back stays where it was.
  let clicked = null;
  const onClick = (event) => { if (event.target.closest?.("a[href^='#/']")) clicked = place(); };
  const stand = () => {
    const from = clicked, here = place();
    clicked = null;
    if (!from) return;
    const same = from.kind === here.kind && from.name === here.name && from.tab === here.tab;
    if (!same) window.scrollTo(0, 0);
    else el.querySelector(".lb-player")?.scrollIntoView({ block: "nearest" });
  };
  const goHere = () => { const lesson = place().kind === "episode" && clicked?.tab === "watch" && place().tab === "watch" && clicked.kind === "episode"; go().then(() => { stand(); if (!lesson) el.querySelector("h1")?.focus({ preventScroll: true }); }); };
  el.addEventListener("click", onClick);
  window.addEventListener("hashchange", goHere);
  model.on("change", () => { const here = place(); if (here.kind === "episode") openEpisode(here).then(draw); draw(); });
  draw();
  look().then(go);
  return () => { stopped = true; clearInterval(timer); window.removeEventListener("hashchange", goHere); el.removeEventListener("click", onClick); document.removeEventListener("visibilitychange", tick); };
}

export default { render };
