// The page of a case: keys, a list of diagnoses that answers to typing, drafts that keep themselves, one question before signing.
"use strict";
(() => {
  const token = document.querySelector('meta[name="csrf"]').content;
  const viewer = new Viewer(document.getElementById("viewer"));
  const forms = [...document.querySelectorAll("form.sign")];
  const dialog = document.getElementById("confirm");
  let asked = null;

  // Another visit beside this one
  const beside = document.getElementById("beside");
  const compared = [...document.querySelectorAll("button.compare")];
  let second = null, shown = -1;
  function compare(number) {
    shown = number;
    if (!beside || !compared[number]) { if (beside) beside.hidden = true; shown = -1; return; }
    beside.hidden = false;
    if (!second) second = new Viewer(beside);
    second.figures.splice(0).forEach((figure) => figure.remove());
    const figure = compared[number].parentElement.querySelector("figure").cloneNode(true);
    figure.querySelector("img").removeAttribute("loading");
    beside.append(figure);
    second.add(figure);
    second.show(0);
    second.say(compared[number].dataset.label);
  }
  compared.forEach((button, number) => {
    button.hidden = false;
    button.addEventListener("click", () => { compare(number); beside.focus(); });
  });

  // Diagnoses that answer to typing, with and without accents
  const plain = (text) => text.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  forms.forEach((form) => {
    const words = form.dataset; // in the language of the page
    const find = form.querySelector(".find"), field = find.querySelector("input");
    const said = form.querySelector(".diagnoses .hint"), choices = [...form.querySelectorAll(".choice")];
    find.hidden = false;
    const fitting = () => {
      const wanted = plain(field.value);
      const rank = (choice) => {
        const code = plain(choice.querySelector("input").value), name = plain(choice.textContent);
        return code === wanted ? 0 : name.startsWith(wanted) ? 1 : code.startsWith(wanted) ? 2 : name.includes(wanted) ? 3 : 9;
      };
      return choices.filter((choice) => rank(choice) < 9).sort((one, other) => rank(one) - rank(other));
    };
    field.addEventListener("input", () => {
      const found = fitting();
      choices.forEach((choice) => { choice.hidden = !found.includes(choice); });
      form.querySelectorAll(".group").forEach((group) => { group.hidden = !group.querySelector(".choice:not([hidden])"); });
      said.textContent = !field.value.trim() ? "" : found.length ? words.takes.replace("{name}", found[0].textContent.trim()) : words.none;
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const [first] = fitting();
      if (!first || !field.value.trim()) return;
      const radio = first.querySelector("input");
      radio.checked = true;
      field.value = "";
      field.dispatchEvent(new Event("input"));
      said.textContent = words.chosen.replace("{name}", first.textContent.trim());
      radio.dispatchEvent(new Event("change", { bubbles: true }));
      radio.focus();
    });
    // Drafts keep themselves
    let timer = 0;
    const status = form.querySelector(".saved");
    const save = async () => {
      const body = new FormData(form);
      body.delete("csrf");
      try {
        const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { "X-CSRF-Token": token } });
        status.textContent = answer.ok ? words.kept : words.notKept;
      } catch { status.textContent = words.noConnection; }
    };
    const later = (event) => {
      if (event.target === field) return;
      clearTimeout(timer);
      status.textContent = "";
      timer = setTimeout(save, 800);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    // One question before signing
    form.addEventListener("submit", (event) => {
      if (event.submitter && event.submitter.hasAttribute("formaction")) return;
      const chosen = form.querySelector('input[name="diagnosis"]:checked');
      event.preventDefault();
      if (!chosen) { said.textContent = words.choose; field.focus(); return; }
      clearTimeout(timer);
      asked = form;
      const kind = form.elements.confirmed_by, lesion = forms.length > 1 ? `${form.querySelector("h2").textContent.trim()}: ` : "";
      document.getElementById("confirm-what").textContent = words.question.replace("{lesion}", lesion)
        .replace("{diagnosis}", chosen.closest("label").textContent.trim()).replace("{kind}", kind.options[kind.selectedIndex].text);
      dialog.showModal();
      document.getElementById("confirm-yes").focus();
    });
  });
  document.getElementById("confirm-yes").addEventListener("click", () => {
    document.getElementById("confirm-yes").disabled = true;
    const yes = document.createElement("input");
    yes.type = "hidden"; yes.name = "confirmed"; yes.value = "yes";
    asked.append(yes);
    asked.submit();
  });
  document.getElementById("confirm-no").addEventListener("click", () => dialog.close());

  // Keys
  const keysOn = document.getElementById("keys-on");
  try { keysOn.checked = localStorage.getItem("dermai-keys") !== "off"; } catch { /* a browser that keeps nothing */ }
  keysOn.addEventListener("change", () => { try { localStorage.setItem("dermai-keys", keysOn.checked ? "on" : "off"); } catch { /* the same */ } });
  const form = () => document.activeElement.closest("form.sign") || forms.find((one) => !one.querySelector('input[name="diagnosis"]:checked')) || forms[0];
  const follow = (id) => { const link = document.getElementById(id); if (link) link.click(); };
  document.addEventListener("keydown", (event) => {
    if (dialog.open) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form().requestSubmit(form().querySelector("button:not([formaction]):not([type])")); return; }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && event.target.closest("form")) { document.getElementById("viewer").focus(); return; }
    if (event.target.closest("select, textarea, input:not([type='radio'], [type='checkbox'])")) return;
    const inRadios = event.target.matches("input[type='radio']");
    const active = document.activeElement === beside && second ? second : viewer;
    if (event.key.startsWith("Arrow") && !inRadios) {
      const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (event.shiftKey) { active.move(...step); event.preventDefault(); }
      else if (event.key === "ArrowLeft") { viewer.do("previous"); event.preventDefault(); }
      else if (event.key === "ArrowRight") { viewer.do("next"); event.preventDefault(); }
      return;
    }
    if (!keysOn.checked) return;
    const actions = {
      j: () => follow("to-next"), k: () => follow("to-previous"), w: () => follow("to-list"),
      e: () => viewer.do("evidence"), c: () => compare(shown + 1),
      "+": () => active.do("in"), "=": () => active.do("in"), "-": () => active.do("out"), 0: () => active.do("whole"),
      d: () => form().querySelector(".find input").focus(), n: () => form().elements.note.focus(),
      r: () => document.querySelector("form.again select").focus(),
    };
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  });
})();
