"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);

  // Players: each card has one; buttons put a lesson into it, times move it. Without this script they are plain links.
  const play = (link) => {
    const card = link.closest(".card");
    const video = card.querySelector("video");
    const address = link.getAttribute("href").split("#")[0];
    const at = Number(link.dataset.at || 0);
    all("video").forEach((other) => other !== video && other.pause());
    all(".play.on", card).forEach((other) => other.classList.remove("on"));
    link.classList.toggle("on", link.classList.contains("play"));
    if (video.getAttribute("src") !== address) {
      if (link.dataset.poster) video.poster = link.dataset.poster;
      video.src = address;
    }
    video.classList.toggle("tall", "tall" in link.dataset);
    const start = () => { video.currentTime = at; video.play().catch(() => {}); };
    if (video.readyState > 0) start();
    else { video.addEventListener("loadedmetadata", start, { once: true }); video.load(); }
    const box = video.getBoundingClientRect();
    if (box.top < 60 || box.bottom > innerHeight) video.scrollIntoView({ block: "center" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".card a.play, .card a.seek");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    play(link);
  });

  // The contact strip shows the pictures that the cards hold.
  all(".contact").forEach((strip) => {
    all("a", strip).forEach((link) => {
      const shown = one(link.dataset.group).querySelector("video, .media img");
      link.firstElementChild.src = shown.poster || shown.src;
    });
    strip.hidden = false;
  });

  // Search and filters.
  const tools = document.querySelector(".tools");
  if (tools) {
    tools.hidden = false;
    const search = one("search");
    const count = one("count");
    const cards = all(".card").map((card) => ({
      card,
      marks: all(`[data-group="${card.id}"]`),
      lines: (card.querySelector(".lines")?.textContent || "").toLowerCase(),
      words: all(".word", card).map((element) => ({ element, text: element.textContent.toLowerCase() })),
    }));
    const pressed = (name) => new Set(all(`[data-${name}][aria-pressed="true"]`, tools).map((chip) => chip.dataset[name]));
    const show = () => {
      const wanted = search.value.trim().toLowerCase();
      const levels = pressed("level");
      const kinds = pressed("kind");
      let shown = 0;
      for (const { card, marks, lines, words } of cards) {
        let here = 0;
        for (const { element, text } of words) {
          const { level, kind } = element.dataset;
          const fits = (!levels.size || levels.has(level)) && (!kinds.size || kinds.has(kind)) && (text.includes(wanted) || lines.includes(wanted));
          element.hidden = !fits;
          here += fits;
        }
        card.hidden = !here;
        marks.forEach((mark) => mark.classList.toggle("off", !here));
        shown += here;
      }
      one("none").hidden = shown > 0;
      const total = Number(count.dataset.all);
      count.textContent = shown === total ? `${total} expression${total === 1 ? "" : "s"}` : `${shown} of ${total}`;
    };
    const clear = () => {
      search.value = "";
      all(".chip[aria-pressed]", tools).forEach((chip) => chip.id !== "cover" && chip.setAttribute("aria-pressed", "false"));
      show();
    };
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("click", (event) => {
      const chip = event.target.closest(".chip");
      if (!chip) return;
      const on = chip.getAttribute("aria-pressed") !== "true";
      chip.setAttribute("aria-pressed", String(on));
      if (chip.id === "cover") document.body.classList.toggle("covered", on);
      else show();
    });
    search.addEventListener("input", show);
    one("clear").addEventListener("click", () => { clear(); search.focus(); });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT|VIDEO)$/.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); search.focus(); }
      else if (event.key === "Escape" && event.target === search) clear();
    });
    // A link to something that a filter hides shows it again.
    addEventListener("hashchange", () => {
      const goal = one(decodeURIComponent(location.hash.slice(1)));
      if (goal && goal.closest("[hidden]")) { clear(); goal.scrollIntoView(); }
    });
    show();
  }

  // On paper everything is open.
  addEventListener("beforeprint", () => all("details").forEach((part) => { part.open = true; }));
})();
