/** Light and dark, as the reader's system has it. */
export const docsStyle = `:root { color-scheme: light dark; --line: light-dark(#d6d9de, #3a3f47); --soft: light-dark(#f4f5f7, #1f2329); --accent: light-dark(#0b5cad, #7db8f0); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #15181c); color: light-dark(#1b1f24, #e3e6ea); }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 6rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; text-transform: capitalize; } h3 { margin: 1.5rem 0 0; } h4 { margin: 1rem 0 .3rem; }
a { color: var(--accent); }
code, pre { font: .88em/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; }
details.route { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .8rem; }
details > summary { cursor: pointer; } .about { margin-left: .8em; color: light-dark(#59616b, #9aa3ad); }
.method { display: inline-block; min-width: 3.5em; padding: 0 .4em; border-radius: .3rem; text-align: center; font: 700 .75em/1.9 ui-monospace, monospace; background: var(--soft); color: var(--accent); }
.method.post { background: var(--accent); color: light-dark(#fff, #10141a); }
.status { font-weight: 400; color: light-dark(#59616b, #9aa3ad); }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem .8rem .35rem 0; vertical-align: top; }
td table { margin: .3rem 0; }
:target { outline: 2px solid var(--accent); outline-offset: 4px; }
`;
