// Plays a stretch of an episode: from the first frame of it to the last, and not one more.

function createPlayer(say) {
  let media = { sources: [], tracks: [], problem: "", frame_s: 1 / 24 };
  let stretch = { start_s: 0, end_s: 1, label: "", loop: false, speed: 1, shown: [] };
  let source = null, wanted = null, asked = 0, last = 0, timer = 0, drawing = 0, blobs = [];
  const failed = new Set();
  const watchers = new Set();

  const video = h("video", { playsinline: true, preload: "metadata", tabindex: "-1", "aria-label": "Film" });
  video.preservesPitch = true;
  const message = h("p", { class: "lf-problem", role: "status" });
  const playing = h("button", { type: "button", class: "lf-icon", onclick: toggle }, sign("play"));
  const place = h("input", { type: "range", class: "lf-place", min: 0, max: 1000, value: 0, step: 1, "aria-label": "Place in the stretch", oninput: () => seek(stretch.start_s + (place.value / 1000) * length()) });
  const times = h("output", { class: "lf-times", "aria-hidden": "true" });
  const loop = h("button", { type: "button", class: "lf-icon", title: "Repeat", "aria-label": "Repeat", "aria-pressed": "false", onclick: () => choose({ loop: !stretch.loop }) }, sign("loop"));
  const slow = h("button", { type: "button", class: "lf-chip", title: "Slower, at the same pitch", onclick: () => choose({ speed: stretch.speed === 1 ? 0.75 : 1 }) }, "0.75×");
  const full = h("button", { type: "button", class: "lf-icon", title: "Full screen", "aria-label": "Full screen", onclick: () => video.requestFullscreen?.() }, sign("full"));
  const languages = h("span", { class: "lf-chips", role: "group", "aria-label": "Subtitles" });
  const el = h("div", { class: "lf-player" }, h("div", { class: "lf-screen" }, video, message), h("div", { class: "lf-controls" }, playing, place, times, h("hr", { "aria-hidden": "true" }), loop, slow, languages, full));

  const length = () => Math.max(stretch.end_s - stretch.start_s, media.frame_s);
  const offset = () => source?.from_s ?? 0;
  const now = () => video.currentTime + offset();
  const ended = () => source != null && video.duration <= stretch.start_s - offset(); // not a number while it is not known

  function choose(changes) {
    stretch = { ...stretch, ...changes };
    say({ do: "play", ...changes });
    draw();
  }

  function draw() {
    const paused = video.paused;
    playing.replaceChildren(sign(paused ? "play" : "pause"));
    playing.setAttribute("aria-label", paused ? "Play" : "Pause");
    playing.title = paused ? "Play (Enter)" : "Pause (Enter)";
    loop.setAttribute("aria-pressed", stretch.loop);
    slow.setAttribute("aria-pressed", stretch.speed !== 1);
    video.playbackRate = video.defaultPlaybackRate = stretch.speed;
    for (const chip of languages.children) chip.setAttribute("aria-pressed", stretch.shown.includes(chip.lang));
    for (const track of video.querySelectorAll("track")) track.track.mode = stretch.shown.includes(track.srclang) ? "showing" : "hidden";
    const missing = media.sources.length && !source ? "This browser plays neither the film nor a clip of this scene." : ended() ? "The film ends before this scene." : "";
    message.textContent = media.problem || missing;
    message.hidden = !message.textContent;
    at();
  }

  function at() {
    if (video.readyState > 0) last = now();
    const done = Math.min(Math.max(now() - stretch.start_s, 0), length());
    place.value = Math.round((1000 * done) / length());
    place.setAttribute("aria-valuetext", `${done.toFixed(1)} of ${length().toFixed(1)} seconds`);
    times.value = `${done.toFixed(1)} / ${length().toFixed(1)} s`;
    for (const watcher of watchers) watcher(now());
  }

  // ---- which file

  function fits(one) {
    return !failed.has(one.url) && one.from_s <= stretch.start_s + 0.05 && (one.to_s == null || stretch.end_s <= one.to_s + 0.05);
  }

  function load() {
    const next = media.sources.find(fits) ?? null;
    if (next?.url !== source?.url || next?.from_s !== source?.from_s) {
      source = next;
      video.querySelectorAll("track").forEach((track) => track.remove());
      blobs.forEach((blob) => URL.revokeObjectURL(blob));
      blobs = [];
      if (source) {
        video.src = source.url;
        addTracks();
      } else video.removeAttribute("src");
      video.load();
    }
  }

  function addTracks() {
    const shift = offset();
    for (const one of media.tracks) {
      const blob = URL.createObjectURL(new Blob([one.vtt], { type: "text/vtt" }));
      blobs.push(blob);
      const track = h("track", { kind: "subtitles", srclang: one.lang, label: one.label, src: blob });
      track.addEventListener("load", () => {
        for (const cue of [...track.track.cues]) {
          cue.startTime -= shift;
          cue.endTime -= shift;
        }
      });
      video.append(track);
    }
  }

  video.addEventListener("loadedmetadata", () => {
    if (!video.videoWidth) return fail();
    asked = 0;
    seek(wanted?.at ?? stretch.start_s);
    if (wanted?.play) start();
    wanted = null;
    draw();
  });
  video.addEventListener("error", fail);

  // A link may have ended while the page was open: ask for a new one, once; then try the next file.
  function fail() {
    if (!source) return;
    wanted ??= { at: Math.max(last, stretch.start_s), play: !video.paused };
    if (asked++ === 0) return say({ do: "links" });
    failed.add(source.url);
    source = null;
    load();
    draw();
  }

  // ---- from a frame to a frame

  function seek(moment) {
    const last = stretch.end_s - media.frame_s * 0.75;
    const target = Math.min(Math.max(moment, stretch.start_s), last) + media.frame_s * 0.25;
    if (video.readyState > 0) video.currentTime = Math.max(target - offset(), 0);
    else wanted = { at: moment, play: wanted?.play ?? false };
    if (!video.paused) watch();
    at();
  }

  function watch() {
    clearTimeout(timer);
    if (video.paused) return;
    const left = stretch.end_s - now();
    if (left <= 0.004) arrive();
    else timer = setTimeout(watch, Math.max((left / video.playbackRate) * 1000 - 4, 2));
  }

  function arrive() {
    if (stretch.loop) return seek(stretch.start_s);
    video.pause();
    seek(stretch.end_s);
  }

  function start() {
    if (!source || ended()) return;
    if (now() >= stretch.end_s - media.frame_s || now() < stretch.start_s) seek(stretch.start_s);
    if (video.readyState === 0) {
      wanted = { at: wanted?.at ?? stretch.start_s, play: true };
      video.preload = "auto";
      return;
    }
    video.play().catch((error) => {
      if (error.name === "NotAllowedError") { message.textContent = "Press play."; message.hidden = false; }
    });
  }

  function toggle() {
    if (video.paused) start();
    else video.pause();
  }

  function follow() {
    cancelAnimationFrame(drawing);
    at();
    if (!video.paused) drawing = requestAnimationFrame(follow);
  }

  video.addEventListener("click", toggle);
  for (const type of ["play", "pause"]) video.addEventListener(type, () => { draw(); follow(); watch(); });
  for (const type of ["playing", "ratechange", "seeked", "timeupdate"]) video.addEventListener(type, watch);

  return {
    el,
    video,
    toggle,
    start,
    seek,
    pause: () => video.pause(),
    watch: (watcher) => watchers.add(watcher),
    setMedia(given) {
      const here = { at: now(), play: !video.paused };
      const again = asked > 0 && wanted;
      media = given;
      failed.clear();
      if (again) source = null;
      languages.replaceChildren(...media.tracks.map((one) => h("button", { type: "button", class: "lf-chip", lang: one.lang, title: `Subtitles: ${one.label}`, "aria-label": `Subtitles: ${one.label}`, onclick: () => {
        const shown = stretch.shown.includes(one.lang) ? stretch.shown.filter((lang) => lang !== one.lang) : [...stretch.shown, one.lang];
        choose({ shown });
      } }, one.lang.toUpperCase())));
      if (source) wanted ??= here;
      load();
      draw();
    },
    // `play`: start at once; `at`: where to stand, by default at the start
    setStretch(given, { play = false, at: moment } = {}) {
      const moved = given.start_s !== stretch.start_s || given.end_s !== stretch.end_s;
      stretch = { ...stretch, ...given };
      load();
      if (moved || moment != null) {
        if (!play) video.pause();
        seek(moment ?? stretch.start_s);
      }
      if (play) start();
      draw();
    },
    destroy() {
      clearTimeout(timer);
      cancelAnimationFrame(drawing);
      video.pause();
      source = null;
      video.removeAttribute("src");
      video.load();
      blobs.forEach((blob) => URL.revokeObjectURL(blob));
    },
  };
}

function renderPlayer({ model, el }) {
  const box = root(el, "lf-alone", "Player");
  const listen = watching(model);
  const player = createPlayer((message) => model.send(message));
  const title = h("p", { class: "lf-title" });
  box.append(player.el, title);
  const choose = () => {
    const choice = model.get("choice");
    title.textContent = choice.label;
    player.setStretch(choice);
  };
  listen.on("change:media", () => player.setMedia(model.get("media")));
  listen.on("change:choice", choose);
  listen.on("msg:custom", (message) => { if (message.do === "play") player.setStretch(model.get("choice"), { play: true }); });
  box.addEventListener("keydown", (event) => {
    if (event.target.closest("button, input, select, textarea")) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); player.toggle(); }
  });
  box.tabIndex = 0;
  player.setMedia(model.get("media"));
  choose();
  return () => { listen.end(); player.destroy(); };
}
