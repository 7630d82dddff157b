// An episode from its first line to its last; scenes are buttons, all else is drawn.

function createTimeline(onSelect, onSeek) {
  let drawing = { length_ms: 1, scenes: [], cues: [], points: [], ticks: [] };
  let selected = null, seen = null;
  const strip = h("div", { class: "lf-strip" });
  const head = h("i", { class: "lf-head", hidden: true });
  const ruler = h("div", { class: "lf-ruler", "aria-hidden": "true" });
  const el = h("div", { class: "lf-timeline", role: "group", "aria-label": "Timeline of scenes: arrow keys move, Enter chooses" }, strip, ruler);
  const percent = (ms) => (100 * ms) / drawing.length_ms;

  function draw(given) {
    drawing = given;
    const rows = 1 + Math.max(0, ...drawing.scenes.map((scene) => scene.row));
    strip.style.setProperty("--rows", rows);
    const path = drawing.cues.map(([start, end]) => `M${percent(start).toFixed(3)} 0h${Math.max(percent(end - start), 0.12).toFixed(3)}v10h${-Math.max(percent(end - start), 0.12).toFixed(3)}z`).join("");
    const speech = svg("svg", { class: "lf-speech", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: path }));
    const bars = drawing.scenes.map((scene) => {
      const bar = h("button", { type: "button", class: "lf-scene", "data-id": scene.id, title: scene.label, "aria-label": `Scene at ${scene.label}`, tabindex: "-1", onclick: () => onSelect(scene.id) });
      bar.style.cssText = `left:${percent(scene.start_ms)}%;width:${Math.max(percent(scene.end_ms - scene.start_ms), 0.5)}%;--row:${scene.row}`;
      return bar;
    });
    const points = drawing.points.map(([group, moment]) => { const dot = h("i", { class: "lf-point", "data-id": group }); dot.style.left = `${percent(moment)}%`; return dot; });
    strip.replaceChildren(speech, ...bars, ...points, head);
    ruler.replaceChildren(...drawing.ticks.map(([moment, text]) => { const tick = h("span", {}, text); tick.style.left = `${percent(moment)}%`; return tick; }));
    mark();
  }

  function mark() {
    const bars = [...strip.querySelectorAll(".lf-scene")];
    for (const bar of bars) {
      const on = bar.dataset.id === selected;
      bar.setAttribute("aria-pressed", on);
      bar.tabIndex = on ? 0 : -1;
      bar.classList.toggle("lf-off", seen != null && !seen.has(bar.dataset.id));
    }
    if (bars.length && !bars.some((bar) => bar.tabIndex === 0)) bars[0].tabIndex = 0;
  }

  strip.addEventListener("keydown", (event) => {
    const bars = [...strip.querySelectorAll(".lf-scene")];
    const here = bars.indexOf(document.activeElement);
    const next = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (here >= 0 && next != null) {
      event.preventDefault();
      event.stopPropagation();
      const bar = bars[Math.min(Math.max(next, 0), bars.length - 1)];
      bars.forEach((one) => (one.tabIndex = one === bar ? 0 : -1));
      bar.focus();
    } else if (event.key === "Enter" || event.key === " ") event.stopPropagation();
  });
  strip.addEventListener("click", (event) => {
    if (event.target.closest(".lf-scene")) return;
    const box = strip.getBoundingClientRect();
    onSeek(Math.round(((event.clientX - box.left) / box.width) * drawing.length_ms));
  });

  return {
    el,
    draw,
    select(id) { selected = id; mark(); },
    show(ids) { seen = ids && new Set(ids); mark(); },
    head(seconds) { head.hidden = seconds == null; if (seconds != null) head.style.left = `${Math.min(percent(seconds * 1000), 100)}%`; },
  };
}

function renderTimeline({ model, el }) {
  const box = root(el, "lf-alone", "Timeline of the episode");
  const listen = watching(model);
  const timeline = createTimeline((id) => model.send({ do: "select", id }), (ms) => model.send({ do: "seek", ms }));
  const title = h("p", { class: "lf-title", "aria-live": "polite" });
  box.append(timeline.el, title);
  const select = () => {
    const id = model.get("selected");
    timeline.select(id);
    title.textContent = model.get("drawing").scenes.find((scene) => scene.id === id)?.label ?? "";
  };
  listen.on("change:drawing", () => { timeline.draw(model.get("drawing")); select(); });
  listen.on("change:selected", select);
  timeline.draw(model.get("drawing"));
  select();
  return () => listen.end();
}
