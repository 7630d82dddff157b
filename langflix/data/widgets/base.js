// Shared by all views. No library, no network: what is here is all there is.

// An element with attributes, listeners (onclick: ...) and children.
function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const SIGNS = {
  play: "M7 4.5v15l12-7.5z", pause: "M6 5h4v14H6zM14 5h4v14h-4z", loop: "M4 12a7 7 0 0 1 7-7h5V2l5 4.5L16 11V8h-5a4 4 0 0 0-4 4zM20 12a7 7 0 0 1-7 7H8v3l-5-4.5L8 13v3h5a4 4 0 0 0 4-4z",
  undo: "M9 4 3 9.5 9 15v-4h5a4 4 0 0 1 0 8h-4v2h4a6 6 0 0 0 0-12H9z", redo: "M15 4l6 5.5L15 15v-4h-5a4 4 0 0 0 0 8h4v2h-4a6 6 0 0 1 0-12h5z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z", keep: "M9.5 18 3.5 12l1.8-1.8 4.2 4.2 9.2-9.2L20.500 7z",
  drop: "M6.200 4.800 12 10.600l5.800-5.800 1.400 1.400L13.400 12l5.800 5.800-1.400 1.400L12 13.400l-5.800 5.800-1.400-1.400L10.600 12 4.800 6.200z",
};

function sign(name) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "lf-sign" }, svg("path", { d: SIGNS[name] }));
}

// A root in which keys belong to us: JupyterLab would else delete the cell at "d d".
function root(el, name, label) {
  const made = h("section", { class: `lf ${name}`, "aria-label": label, "data-lm-suppress-shortcuts": "true", "data-jp-suppress-context-menu": "true" });
  for (const type of ["keydown", "keypress", "keyup"]) made.addEventListener(type, (event) => event.stopPropagation());
  el.append(made);
  return made;
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const rest = `${Math.floor(whole / 60) % 60}:${String(whole % 60).padStart(2, "0")}`;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest.padStart(5, "0")}` : rest;
}

// Listens to a model until the view is gone.
function watching(model) {
  const ends = [];
  return {
    on(name, listener) {
      model.on(name, listener);
      ends.push(() => model.off(name, listener));
    },
    end() {
      for (const one of ends) one();
    },
  };
}
