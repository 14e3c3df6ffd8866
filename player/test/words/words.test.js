// @ts-check
/** Both languages say the same things, and nothing is said anywhere else. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import ts from 'typescript';

const SRC = new URL('../../src/', import.meta.url);
const MODULES = readdirSync(new URL('words/', SRC)).filter((name) => name.endsWith('words.js'));

/**
 * Every word of a module by its path, and how many figures it takes. A mood, and whether something holds, is no word.
 *
 * @param {any} value
 * @param {string} [path]
 * @returns {string[]}
 */
function words(value, path = '') {
  if (typeof value === 'function') return [`${path} of ${value.length}`];
  if (typeof value === 'string') return path.endsWith('.mood') ? [] : [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => words(each, `${path}.${key}`)).sort();
}

for (const name of MODULES) {
  test(`${name} says in German what it says in English`, async () => {
    const [english, german] = await Promise.all(
      ['', 'de/'].map((folder) => import(new URL(`words/${folder}${name}`, SRC).href)));
    assert.ok(words(english).length > 0);
    assert.deepEqual(words(german), words(english));
  });
}

test('every language has the modules that English has', () => {
  assert.deepEqual(readdirSync(new URL('words/de/', SRC)), MODULES);
});

/** @param {string} folder */
const files = (folder) => readdirSync(new URL(folder, SRC), { recursive: true }).map((name) => `${folder}${name}`);

/** Two words, of which one is not all in capitals: what people read, or what they throw. */
const PHRASE = /\p{L}{2,}[,.:]? \p{Ll}{2,}/u;

/** Modules of which all is markup: of one the words are looked for below. */
const MARKUP = ['element/player-looks.js', 'element/picture-looks.js', 'element/player-tree.js', 'app/shell.js'];

/** Calls whose texts are selectors, keys or for whoever reads an error. */
const NOT_SAID = /(\bmatches|\bclosest|querySelector(All)?|matchMedia|#find|\bencode|^super)$/;

/**
 * The texts of a module that people could read.
 *
 * @param {string} name
 * @returns {string[]}
 */
function phrases(name) {
  const source = ts.createSourceFile(name, readFileSync(new URL(name, SRC), 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {string[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isNewExpression(node) && /Error$|^Refusal$/.test(node.expression.getText())) return;
    if (ts.isCallExpression(node) && NOT_SAID.test(node.expression.getText())) return;
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isText && PHRASE.test(node.text)) found.push(`${name}: ${node.text}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('no module says anything that is not in the words', () => {
  const modules = files('').filter((name) => name.endsWith('.js') && !name.startsWith('words/'));
  assert.ok(modules.length > 40);
  assert.deepEqual(modules.filter((name) => !MARKUP.includes(name)).flatMap(phrases), []);
});

test('no page says anything that is not in the words', () => {
  const pages = files('').filter((name) => name.endsWith('.html'));
  assert.ok(pages.length >= 2);
  const said = [...pages, 'element/player-tree.js', 'app/shell.js'].flatMap((name) => {
    const html = readFileSync(new URL(name, SRC), 'utf8').replaceAll(/\$\{\w+\}/g, '')
      .replace(/<noscript>.*?<\/noscript>|<head>.*?<\/head>|<!doctype html>|^\/\/[^\n]*$|\/\*.*?\*\//gms, '');
    const inTags = [...html.matchAll(/ (aria-label|title|placeholder|alt)="([^"]*\p{L}[^"]*)"/gu)].map(([, , text]) => text);
    const between = [...html.matchAll(/>([^<>=]*\p{L}[^<>=]*)</gu)].map(([, text]) => text.trim());
    return [...inTags, ...between].filter((text) => text !== 'Sightline').map((text) => `${name}: ${text}`);
  });
  assert.deepEqual(said, []);
});

/** Where the words are that a page or a tree names. @param {string} name */
const wordsOf = (name) => (name === 'element/player-tree.js' ? 'words.js' : `${name.replace(/^.*\/(.*)\.html$/, '$1')}-words.js`);

test('each word that a page names is there', async () => {
  // A frame shows the element and says nothing itself.
  const pages = files('').filter((each) => each.endsWith('.html') && each !== 'embed/embed.html');
  for (const name of [...pages, 'element/player-tree.js']) {
    const { PAGE, CONTROLS } = await import(new URL(`words/${wordsOf(name)}`, SRC).href);
    const named = [...readFileSync(new URL(name, SRC), 'utf8').matchAll(/(?: data-say(?:-[a-z-]+)?="|'data-say(?:-[a-z-]+)?': '|\bbutton\('\w+', ')([^"']*)["']/g)].map(([, word]) => word);
    assert.ok(named.length > 4, name);
    assert.deepEqual(named.filter((word) => typeof (PAGE ?? CONTROLS)[word] !== 'string'), [], name);
  }
});

test('a language is chosen by the browser, and Intl has its region', async () => {
  // Each with a module of its own, as in a page of its own.
  const chosen = async (/** @type {string[]} */ ...languages) => {
    Object.defineProperty(globalThis, 'navigator', { value: { languages }, configurable: true });
    const { language, locale, number } = await import(`${new URL('words/language.js', SRC).href}?${languages}`);
    return [language, locale, number(1234.5, 1)];
  };
  assert.deepEqual(await chosen('de-AT', 'en'), ['de', 'de-AT', '1\u00a0234,5']);
  assert.deepEqual(await chosen('fr', 'en-GB', 'de'), ['en', 'en-GB', '1,234.5']);
  assert.deepEqual(await chosen('fr'), ['en', 'en', '1,234.5']);
});

test('German takes the place of English where the browser wants it', async () => {
  Object.defineProperty(globalThis, 'navigator', { value: { languages: ['de-DE'] }, configurable: true });
  const { spoken, translate } = await import(`${new URL('words/language.js', SRC).href}?translating`);
  const english = { PAGE: { title: 'Watch', mood: 'good', list: [['k', 'Play']] } };
  const { PAGE } = english;
  translate(english, { de: async () => ({ PAGE: { title: 'Ansehen', list: [['k', 'Abspielen']] } }) });
  assert.equal(PAGE.title, 'Watch');
  await spoken();
  assert.deepEqual(PAGE, { title: 'Ansehen', mood: 'good', list: [['k', 'Abspielen']] });
});

test('what cannot be loaded is said in English', async () => {
  Object.defineProperty(globalThis, 'navigator', { value: { languages: ['de'] }, configurable: true });
  const { spoken, translate } = await import(`${new URL('words/language.js', SRC).href}?failing`);
  const PAGE = { title: 'Watch' };
  translate({ PAGE }, { de: () => Promise.reject(new TypeError('no network')) });
  await spoken();
  assert.equal(PAGE.title, 'Watch');
});
