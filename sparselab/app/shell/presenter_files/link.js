// Copies the address of this page with the parameters of the presenter view.
const SAID_MS = 3000;

export default function ({ data, parentElement }) {
  const [button, field, said] = ["button", "input", "span"].map((name) => parentElement.querySelector(name));
  button.onclick = async () => {
    const link = new URL(location.href);
    for (const [name, value] of Object.entries(data)) link.searchParams.set(name, value);
    try {
      await navigator.clipboard.writeText(link.href);
      said.textContent = "Copied";
      setTimeout(() => (said.textContent = ""), SAID_MS);
    } catch {
      // Browsers keep the clipboard from pages that come by plain http: the link is shown, to be copied by hand.
      Object.assign(field, { value: link.href, hidden: false });
      field.select();
    }
  };
  button.disabled = false; // a press before would have done nothing
}
