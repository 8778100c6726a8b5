// Says in the main area what was pressed, from the moment the page's script runs for it until it rests; and lets no file get lost on
// the way to another page.
const WIDGET = "[data-testid=stElementContainer]";
const PARTS = "a, button, input, textarea, [role=slider], [role=option], [role=radio], [role=tab], label";
const CLIENT_ONLY = "summary, [data-testid=stPopover] > div > button, [data-testid=stTooltipIcon], [data-testid=stExpandSidebarButton], " +
  "[data-testid=stSidebarCollapseButton], [data-testid=stFileUploaderDropzone]";
// A file that was chosen: there until the server has it.
const FILE = ".st-key-_arriving [data-testid=stFileChip]";
const ARRIVING = `${FILE}:not(:has([data-testid=stFileChipIconError]))`;
const LINK = "[data-testid=stSidebarNavLink]";
// A busy server may need long to begin with what was pressed.
const RECENT_MS = 60000;

const text = (element) => element?.innerText.replace(/\s+/g, " ").trim() ?? "";
// Streamlit's icons are names in a font of ligatures.
const words = (element) => {
  const icon = text(element?.querySelector("[data-testid=stIconMaterial]"));
  return text(element?.querySelector("[data-testid=stMarkdownContainer]") ?? element).replace(icon, "").trim();
};

function doing(part, list) {
  if (part.closest(LINK)) return `Opening ${words(part.closest("a"))}`;
  const option = part.closest("[role=option]");
  const label = words((option ? list : part).closest?.(WIDGET)?.querySelector("[data-testid=stWidgetLabel]"));
  const choice = option || part.closest("button, [role=radio], [role=tab], label, a");
  const own = choice ? words(choice) : "";
  return label && own && own !== label ? `${label}: ${own}` : label || own || part.ariaLabel || "";
}

function install() {
  const app = document.querySelector("[data-testid=stApp]");
  const main = document.querySelector("[data-testid=stMain]");
  const box = Object.assign(document.createElement("div"), { id: "sparselab-doing" });
  box.setAttribute("role", "status");
  const runs = () => app.dataset.testScriptState !== "notRunning";
  let last = "", when = -RECENT_MS, ran = runs(), list = document.body, next;

  const pressed = (event) => {
    if (event.type === "keydown" && event.key === "Tab") return;
    const part = event.composedPath().find((each) => each.matches?.(PARTS));
    if (!part || part.getRootNode() !== document || part.closest(CLIENT_ONLY)) return;
    if (part.closest("[role=combobox], [data-testid=stSelectbox], [data-testid=stMultiSelect]")) list = part;
    const named = doing(part, list);
    if (!named) return;
    [last, when] = [named, performance.now()];
    if (runs()) say();
  };
  const say = (when = "") => {
    if (!box.isConnected) main.append(box);
    box.style.background = getComputedStyle(app).backgroundColor;
    box.textContent = `${last}${when} ...`;
  };
  // Streamlit drops an upload whose page is left: the link is followed when the file has arrived.
  const arrived = new MutationObserver(() => {
    if (document.querySelector(ARRIVING)) return;
    arrived.disconnect();
    if (document.querySelector(FILE)) box.textContent = ""; // it says what went wrong
    else next.click();
  });
  const leaves = (event) => {
    const link = event.target.closest?.(LINK);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    arrived.disconnect();
    if (!document.querySelector(ARRIVING)) return;
    event.preventDefault();
    event.stopPropagation();
    [next, last] = [link, doing(link, list)];
    say(" when the file has arrived");
    arrived.observe(document.body, { subtree: true, childList: true });
  };
  window.addEventListener("click", leaves, true);
  for (const kind of ["click", "keydown", "change"]) document.addEventListener(kind, pressed, true);
  new MutationObserver(() => {
    const begins = runs() && !ran;
    ran = runs();
    if (!ran) box.textContent = "";
    else if (begins && performance.now() - when < RECENT_MS) {
      say();
      when = -RECENT_MS; // the next run is another's, if nothing is pressed before it
    }
  }).observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
}

export default function () {
  if (window.sparselabFeedback) return;
  window.sparselabFeedback = true;
  install();
}
