// Esc leaves the presenter view on pages without a picture, whose own keys do the same.
export default function () {
  const stop = new AbortController();
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("[role=dialog], [data-baseweb=popover]")) return;
    document.querySelector(".st-key-_leave_presenter button")?.click();
  }, { signal: stop.signal });
  return () => stop.abort();
}
