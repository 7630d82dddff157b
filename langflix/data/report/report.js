"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);

  // Players: a card gets its player when something is played; buttons put a lesson into it, times move it. Without this script they are plain links.
  const player = (card) => {
    const stage = card.querySelector(".stage");
    if (!stage) return card.querySelector("video");
    const video = document.createElement("video");
    video.controls = true;
    video.playsInline = true;
    video.poster = stage.querySelector("img")?.src || "";
    video.setAttribute("aria-label", card.querySelector("h2").textContent);
    const focused = document.activeElement === stage;
    stage.replaceWith(video);
    if (focused) video.focus();
    return video;
  };
  const play = (link) => {
    const card = link.closest(".card");
    const address = link.getAttribute("href").split("#")[0];
    const at = Number(link.dataset.at || 0);
    const video = player(card);
    all("video").forEach((other) => other !== video && other.pause());
    all(".play.on", card).forEach((other) => other.classList.remove("on"));
    link.classList.toggle("on", link.classList.contains("play"));
    if (video.getAttribute("src") !== address) video.src = address;
    video.classList.toggle("tall", "tall" in link.dataset);
    const start = () => { video.currentTime = at; video.play().catch(() => {}); };
    if (video.readyState > 0) start();
    else { video.addEventListener("loadedmetadata", start, { once: true }); video.load(); }
    const box = video.getBoundingClientRect();
    if (box.top < 60 || box.bottom > innerHeight) video.scrollIntoView({ block: "center" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".card a.play, .card a.seek, .card a.stage");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    play(link);
  });

  // The contact strip shows the pictures that the cards hold.
  all(".contact").forEach((strip) => {
    all("a", strip).forEach((link) => {
      link.firstElementChild.src = one(link.dataset.group).querySelector(".media img").src;
    });
    strip.hidden = false;
  });

  // Of many links in a row, one can be reached by Tab; the arrow keys move on from there.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  all("[data-roving]").forEach((row) => {
    const links = all("a", row);
    const choose = (link) => links.forEach((other) => other.setAttribute("tabindex", other === link ? "0" : "-1"));
    if (links.length) choose(links[0]);
    row.addEventListener("focusin", (event) => { const link = event.target.closest("a"); if (link) choose(link); });
    row.addEventListener("keydown", (event) => {
      const open = links.filter((link) => !link.classList.contains("off"));
      const at = open.indexOf(event.target.closest("a"));
      const next = event.key === "Home" ? 0 : event.key === "End" ? open.length - 1 : event.key in steps ? at + steps[event.key] : -1;
      if (!open[next] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      open[next].focus();
    });
  });

  // The strip shows which scene is being looked at.
  if ("IntersectionObserver" in window) {
    const seen = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
      if (isIntersecting) all(".here").forEach((mark) => mark.classList.remove("here"));
      if (isIntersecting) all(`[data-group="${target.id}"]`).forEach((mark) => mark.classList.add("here"));
    }), { rootMargin: "-30% 0px -60% 0px" });
    all(".card").forEach((card) => seen.observe(card));
  }

  // Light, dark, or as the system has it; remembered where the browser allows it.
  const theme = one("theme");
  const themes = ["", "light", "dark"];
  const store = (value) => { try { if (value === undefined) return localStorage.getItem("langflix-theme") || ""; localStorage.setItem("langflix-theme", value); } catch { return ""; } return value; };
  const dress = (value) => {
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
    one("theme-name").textContent = value ? value[0].toUpperCase() + value.slice(1) : "Auto";
  };
  dress(themes.includes(store()) ? store() : "");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme || "") + 1) % themes.length];
    store(next);
    dress(next);
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
    const filters = all(".chip[data-level], .chip[data-kind], .histogram button");
    const pressed = (name) => new Set(filters.filter((chip) => chip.dataset[name] && chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset[name]));
    const press = (chip, on) => {
      const { level, kind } = chip.dataset;
      filters.forEach((other) => { if (level ? other.dataset.level === level : kind && other.dataset.kind === kind) other.setAttribute("aria-pressed", String(on)); });
    };
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
      filters.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
      show();
    };
    tools.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => {
      const chip = event.target.closest("[aria-pressed]");
      if (!chip) return;
      const on = chip.getAttribute("aria-pressed") !== "true";
      if (chip.id === "cover") {
        chip.setAttribute("aria-pressed", String(on));
        document.body.classList.toggle("covered", on);
      } else {
        press(chip, on);
        show();
      }
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
