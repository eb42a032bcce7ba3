// A viewer of photographs: one at a time, enlarged about the pointer, moved, with a layer of evidence over it.
"use strict";
class Viewer {
  constructor(section) {
    this.section = section;
    this.words = section.dataset; // in the language of the page
    this.figures = [];
    this.at = 0;
    this.scale = 1; this.x = 0; this.y = 0;
    this.tools = section.querySelector(".tools");
    this.tools.hidden = false;
    section.classList.add("active");
    section.querySelectorAll("figure.photograph").forEach((figure) => this.add(figure));
    this.tools.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-do]");
      if (button) this.do(button.dataset.do);
    });
    if (this.figures.length) this.show(0);
  }
  add(figure) {
    const frame = figure.querySelector(".frame");
    const held = document.createElement("div");
    held.className = "held";
    held.append(...frame.childNodes);
    frame.append(held);
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && this.scale === 1 && event.deltaY > 0) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
    }, { passive: false });
    frame.addEventListener("dblclick", (event) => this.zoom(this.scale > 1 ? 0 : 2.5, event.offsetX, event.offsetY));
    frame.addEventListener("pointerdown", (event) => {
      if (this.scale === 1) return;
      frame.setPointerCapture(event.pointerId);
      const from = { x: event.clientX - this.x, y: event.clientY - this.y };
      const move = (moved) => { this.x = moved.clientX - from.x; this.y = moved.clientY - from.y; this.place(); };
      frame.addEventListener("pointermove", move);
      const end = () => frame.removeEventListener("pointermove", move);
      frame.addEventListener("pointerup", end, { once: true });
      frame.addEventListener("pointercancel", end, { once: true });
    });
    this.figures.push(figure);
  }
  get figure() { return this.figures[this.at]; }
  show(number) {
    if (!this.figures.length) return;
    this.at = (number + this.figures.length) % this.figures.length;
    this.figures.forEach((figure, place) => { figure.hidden = place !== this.at; });
    this.say(this.words.place.replace("{number}", this.at + 1).replace("{total}", this.figures.length));
    this.whole();
  }
  say(text) { this.tools.querySelector(".count").textContent = text; }
  whole() { this.scale = 1; this.x = 0; this.y = 0; this.place(); }
  zoom(factor, x, y) {
    const frame = this.figure.querySelector(".frame");
    const at = { x: x === undefined ? frame.clientWidth / 2 : x, y: y === undefined ? frame.clientHeight / 2 : y };
    const scale = Math.min(12, Math.max(1, this.scale * factor));
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.place();
  }
  move(x, y) { this.x += x; this.y += y; this.place(); }
  place() {
    const frame = this.figure.querySelector(".frame"), held = frame.querySelector(".held");
    this.x = Math.min(0, Math.max(frame.clientWidth * (1 - this.scale), this.x));
    this.y = Math.min(0, Math.max(frame.clientHeight * (1 - this.scale), this.y));
    held.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    frame.classList.toggle("enlarged", this.scale > 1);
  }
  do(what) {
    if (!this.figures.length) return;
    if (what === "previous") this.show(this.at - 1);
    if (what === "next") this.show(this.at + 1);
    if (what === "in") this.zoom(1.5);
    if (what === "out") this.zoom(1 / 1.5);
    if (what === "whole") this.whole();
    if (what === "evidence") this.evidence();
    if (what === "close") this.section.hidden = true;
  }
  evidence() {
    const button = this.tools.querySelector('[data-do="evidence"]');
    if (!button) return;
    const on = button.getAttribute("aria-pressed") !== "true";
    const place = this.figures.findIndex((figure) => figure.dataset.image === button.dataset.of);
    const held = this.figures[place].querySelector(".held");
    let layer = held.querySelector(".layer");
    if (!layer) {
      layer = document.createElement("img");
      layer.className = "layer";
      layer.alt = this.words.layerAlt;
      layer.addEventListener("error", () => { this.say(this.words.noLayer); layer.remove(); button.disabled = true; });
      layer.src = button.dataset.layer;
      held.append(layer);
    }
    layer.hidden = !on;
    button.setAttribute("aria-pressed", String(on));
    if (on && this.at !== place) this.show(place);
  }
}
