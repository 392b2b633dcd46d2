/**
 * Checks the address of a server, and answers it without the slashes at its end.
 *
 * @param text such as `http://127.0.0.1:8700`; what comes behind the host is kept, for a server may stand behind a path
 * @param name what messages call it
 * @example
 * serverUrl("https://jobs.example.org/"); // "https://jobs.example.org"
 * @throws TypeError for what is no such address, or has a user, a password or a query in it; the message never shows a password
 */
export function serverUrl(text: string, name = "url"): string {
  const form = "it takes http://HOST:PORT or https://HOST";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    // What has an @ in it may have a password there.
    const shown = String(text).includes("@") ? "is" : `is ${JSON.stringify(String(text).slice(0, 200))},`;
    throw new TypeError(`${name} ${shown} no address of a server; ${form}`);
  }
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`${name} has a user or a password in it; give a token instead`);
  if (url.search !== "" || url.hash !== "") throw new TypeError(`${name} ends in a query; ${form}`);
  return url.href.replace(/\/+$/, "");
}
