import type { ConnectionOptions } from "node:tls";
import { fault, messageOf } from "./faults.js";

/** Certificates of a TLS connection, as the texts of PEM files. */
export interface TlsTexts {
  /** The authority that signed the server's certificate; default: those that Node.js trusts. */
  readonly ca?: string | undefined;
  /** Our own certificate, where the server asks for one. */
  readonly cert?: string | undefined;
  /** The private key of `cert`. */
  readonly key?: string | undefined;
}

/**
 * Refuses what is no PEM text, which Node.js would partly ignore.
 *
 * @throws JobbersError `store-untrusted`
 */
export function checkTls(texts: TlsTexts): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text && !/-----BEGIN [A-Z ]+-----/.test(text)) {
      throw fault("store-untrusted", `tls.${name} is no PEM text; give what is in the file, not its path`);
    }
  }
}

/** What Node.js calls them; only what is there, as its own defaults stand for what is absent. */
export function tlsOf({ ca, cert, key }: TlsTexts): ConnectionOptions {
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

const doubts = /SELF_SIGNED|UNABLE_TO_GET|UNABLE_TO_VERIFY|CERT_|HOSTNAME_MISMATCH|ALTNAME|certificate/i;

/** The error of a certificate that one side does not accept; absent where it is about something else. */
export function untrusted(error: unknown, url: string): Error | undefined {
  const what = messageOf(error);
  const code = String((error as { code?: unknown }).code ?? "");
  const told = `(TLS: ${what})`;
  if (
    /ALERT_CERTIFICATE_REQUIRED|ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|alert number/i.test(`${code} ${what}`)
  ) {
    const sentence = `${url} wants to see a certificate of ours that it trusts; give one with its key (tls.cert and tls.key)`;
    return fault("store-untrusted", `${sentence} ${told}`, error);
  }
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code)) {
    return fault("store-untrusted", `the certificate of ${url} is out of date; renew it ${told}`, error);
  }
  if (/ALTNAME|HOSTNAME_MISMATCH/.test(code)) {
    const sentence = `the certificate of ${url} is for another name; use a name that is in it`;
    return fault("store-untrusted", `${sentence} ${told}`, error);
  }
  if (/ERR_OSSL|PEM|KEY_VALUES_MISMATCH|ERR_CRYPTO/.test(code)) {
    return fault("store-untrusted", `tls.ca, tls.cert or tls.key cannot be read ${told}`, error);
  }
  if (!doubts.test(`${code} ${what}`)) return undefined;
  const sentence = `the certificate of ${url} is signed by nobody we trust; give its authority (tls.ca)`;
  return fault("store-untrusted", `${sentence} ${told}`, error);
}
