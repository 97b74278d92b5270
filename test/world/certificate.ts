// A self-signed certificate for localhost, made afresh: a key in the repository would be one that somebody trusts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** PEM texts; needs the openssl command. Elliptic curve, or RSA where the other side knows nothing else. */
export function makeCertificate(algorithm: "ec" | "rsa" = "ec"): { key: string; cert: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-cert-"));
  try {
    const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-days", "2"];
    const curve = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const kind = ["-x509", "-newkey", ...(algorithm === "ec" ? curve : ["rsa:2048"]), "-nodes"];
    execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
