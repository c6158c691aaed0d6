/*
 * page.c
 *	  Writes the parts of an HTML page: its head, sections, and tables.
 *
 * The page loads nothing from the network and runs no scripts.  Its
 * Content-Security-Policy enforces this.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "picture/markup.h"
#include "picture/svg_lanes.h"
#include "report/page.h"

#include "utils/guc.h"

static const char style[] =
":root{--bg:#f6f7f9;--card:#fff;--fg:#1b2330;--dim:#5d6878;--line:#dfe3e9;--code:#f0f2f5;"
"--ok:#1f7a4a;--okbg:#dcf3e5;--warn:#9a5b00;--warnbg:#fdf0d5;--bad:#b3261e;--badbg:#fbe3e1;--link:#2458b8;"
"--c0:#3b6fd4;--c1:#c2571a;--c2:#7a4cc2;--c3:#1c8a6a;--c4:#b8336a;--c5:#8a7310;--c6:#2a8fb3;--c7:#777f8c}"
"@media(prefers-color-scheme:dark){:root{color-scheme:dark;--bg:#12161d;--card:#1a2029;--fg:#e4e8ee;--dim:#9aa5b5;"
"--line:#2d3643;--code:#242c38;--ok:#6fd39b;--okbg:#173626;--warn:#f0b95a;--warnbg:#3a2c10;--bad:#ff8f86;"
"--badbg:#431d1a;--link:#8ab4ff;--c0:#7ea6ff;--c1:#f0935c;--c2:#b794f0;--c3:#5fcfae;--c4:#f07aa8;--c5:#d6bd4f;"
"--c6:#67c4e4;--c7:#9aa3b0}}"
"*{box-sizing:border-box}"
"body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;"
"overflow-wrap:anywhere}"
"main{max-width:1120px;margin:0 auto;padding:24px 20px 48px}"
"h1{font-size:26px;line-height:1.2;margin:0 0 4px}"
"h2{font-size:17px;margin:0 0 12px}"
"p{margin:0 0 8px}.dim{color:var(--dim)}"
"a{color:var(--link)}"
"section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin-top:18px}"
"code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
"code{background:var(--code);border-radius:4px;padding:1px 5px}"
"pre{background:var(--code);border-radius:6px;padding:10px 12px;margin:4px 0 12px;white-space:pre-wrap}"
".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:18px}"
".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}"
".card b{display:block;font-size:20px;line-height:1.3;font-weight:600}"
".card span{color:var(--dim);font-size:13px}"
".tag{display:inline-block;border-radius:9px;padding:0 8px;font-size:12px;line-height:18px;background:var(--code);color:var(--dim)}"
".ok{background:var(--okbg);color:var(--ok)}.warn{background:var(--warnbg);color:var(--warn)}"
".bad{background:var(--badbg);color:var(--bad)}"
"table{width:100%;border-collapse:collapse}"
"th{text-align:left;font-size:12px;font-weight:600;color:var(--dim);padding:0 14px 6px 0}"
"td{vertical-align:top;border-top:1px solid var(--line);padding:8px 14px 8px 0;white-space:pre-line}"
"th{white-space:nowrap}td{min-width:8.5em}td:first-child{min-width:3em}"
"td:last-child,th:last-child{padding-right:0}"
"details+details .w{border-top:1px solid var(--line)}"
"summary{display:flex;align-items:center;min-height:34px;cursor:pointer;list-style:none;border-radius:6px}"
"summary::-webkit-details-marker{display:none}"
"summary:hover,summary:focus-visible,details:target>summary{background:var(--code)}"
".g,.k{flex:none;display:block;overflow:visible}"
".g{min-height:34px;align-self:stretch}.legend .g{height:34px}.k{position:absolute;left:0;top:0;height:100%}"
".g path,.k path{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke:var(--c7)}"
".g .n,.g .i{stroke-linecap:round}"
".g .n{stroke-width:13;stroke:var(--fg)}.g .i{stroke-width:9;stroke:var(--fg)}"
".g .n.pending{stroke:var(--dim)}.g .i.pending{stroke:var(--card)}"
".g .n.applied,.g .i.applied{stroke:var(--ok)}"
".g .n.current{stroke:var(--ok)}.g .n.current{stroke-width:17}.g .i.current{stroke-width:5;stroke:var(--card)}"
".g .n.partial{stroke:var(--warn)}.g .i.partial{stroke:var(--warnbg)}"
".w{flex:1;min-width:0;display:flex;gap:10px;align-items:baseline;padding:5px 8px 5px 10px}"
".id{flex:none;max-width:16em;font-weight:600}"
".m{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}"
".d{flex:none;color:var(--dim);font-size:13px}"
"details[open] .m{white-space:normal}"
".b{position:relative;padding-bottom:6px}"
".legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--dim);font-size:13px;margin-bottom:8px}"
".legend span{display:flex;align-items:center;gap:6px}.legend .g{width:20px}"
"ol{list-style:none;margin:0;padding:0 0 0 18px;border-left:2px solid var(--line);margin-left:6px}"
"li{position:relative;padding:0 0 14px}"
"li::before{content:'';position:absolute;left:-24px;top:6px;width:10px;height:10px;border-radius:50%;background:var(--c7);"
"box-shadow:0 0 0 3px var(--card)}"
"li.upgrade::before{background:var(--ok)}li.downgrade::before{background:var(--warn)}li.failed::before{background:var(--bad)}"
"li.stamp::before,li.repair::before{background:var(--c2)}"
"li p{margin:0}"
"@media(max-width:640px){main{padding:16px 10px 32px}section{padding:14px 12px}h1{font-size:22px}"
"table,tbody,tr,td{display:block}thead{display:none}td{border:0;padding:2px 0}"
"tr{border-top:1px solid var(--line);padding:8px 0;display:block}"
"td:empty{display:none}td::before{content:attr(data-h);display:block;font-size:12px;font-weight:400;color:var(--dim)}"
"td:first-child{font-weight:600}td:first-child::before{display:none}"
".d{display:none}.w{flex-wrap:wrap;gap:0 8px}.m{flex-basis:100%}.id{max-width:100%}}"
"@media print{section,.card{break-inside:avoid}}";

/* Maximum width of an image of the graph, in pixels. */
#define MOST_PIXELS 360

void
cmig_page_begin(StringInfo page, const char *title, int lanes)
{
	int			pixels = Min(Max(lanes, 1) * CMIG_SVG_LANE, MOST_PIXELS);

	appendStringInfoString(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
						   "<meta http-equiv=\"Content-Security-Policy\""
						   " content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
						   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
						   "<meta name=\"color-scheme\" content=\"light dark\">\n");
	cmig_page_element(page, "title", NULL, title);
	appendStringInfo(page, "\n<style>\n%s\n", style);
	for (int color = 0; color <CMIG_SVG_COLORS; color ++)
		appendStringInfo(page, ".g .l%d,.k .l%d{stroke:var(--c%d)}", color, color, color);
	appendStringInfo(page, ".g,.k{width:min(%dpx,32vw)}.b{padding-left:calc(min(%dpx,32vw) + 10px)}",
					 pixels, pixels);
	appendStringInfoString(page, "\n</style>\n</head>\n<body>\n<main>\n");
}

void
cmig_page_end(StringInfo page)
{
	appendStringInfoString(page, "</main>\n</body>\n</html>\n");
}

void
cmig_page_element(StringInfo page, const char *tag, const char *class, const char *text)
{
	appendStringInfo(page, "<%s", tag);
	if (class)
		appendStringInfo(page, " class=\"%s\"", class);
	appendStringInfoChar(page, '>');
	cmig_markup_text(page, text);
	appendStringInfo(page, "</%s>", tag);
}

/* A section that is being written. */
typedef struct Section
{
	StringInfo	page;
	CmigPageContent content;
	void	   *arg;
} Section;

/*
 * Write a section's content.  Notices are suppressed, because the page shows
 * the same information.
 */
static void
write_content(void *arg)
{
	Section    *section = arg;
	int			level = NewGUCNestLevel();

	if (client_min_messages < WARNING)
		cmig_settings_override("client_min_messages", "warning");
	section->content(section->page, section->arg);
	AtEOXact_GUC(true, level);
}

void
cmig_page_section(StringInfo page, const char *title, CmigPageContent content, void *arg)
{
	Section		section = {page, content, arg};
	ErrorData  *error;
	int			start;

	appendStringInfoString(page, "<section>\n");
	cmig_page_element(page, "h2", NULL, title);
	appendStringInfoChar(page, '\n');
	start = page->len;
	error = cmig_subtransaction_try(write_content, &section);
	if (error != NULL)
	{
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		page->len = start;
		page->data[start] = '\0';
		cmig_page_element(page, "p", "dim", psprintf("Not shown: %s", error->message));
		if (error->detail)
			cmig_page_element(page, "p", "dim", error->detail);
		if (error->hint)
			cmig_page_element(page, "p", "dim", error->hint);
	}
	appendStringInfoString(page, "\n</section>\n");
}

/* The state of writing a table. */
typedef struct TableState
{
	StringInfo	page;
	const CmigPageTable *table;
	int			rows;
} TableState;

static const char *
column_title(const char *column)
{
	return column[0] == '!' ? column + 1 : column;
}

static void
begin_table(StringInfo page, const CmigPageTable *table)
{
	appendStringInfoString(page, "<table>\n<thead><tr>");
	for (int i = 0; i < lengthof(table->columns) && table->columns[i]; i++)
		cmig_page_element(page, "th", NULL, column_title(table->columns[i]));
	appendStringInfoString(page, "</tr></thead>\n<tbody>\n");
}

/* Row callback: append a row of the table. */
static void
append_row(TupleDesc desc, HeapTuple row, void *arg)
{
	TableState *state = arg;
	const CmigPageTable *table = state->table;

	if (state->rows++ == 0)
		begin_table(state->page, table);
	appendStringInfoString(state->page, "<tr>");
	for (int i = 0; i < lengthof(table->columns) && table->columns[i]; i++)
	{
		char	   *text = cmig_query_text(desc, row, i + 1);

		appendStringInfo(state->page, "<td data-h=\"%s\">", column_title(table->columns[i]));
		if (text && text[0] && table->columns[i][0] == '!')
			cmig_page_element(state->page, "code", NULL, text);
		else if (text && strcmp(text, "error") == 0)
			cmig_page_element(state->page, "span", "tag bad", text);
		else if (text && strcmp(text, "warning") == 0)
			cmig_page_element(state->page, "span", "tag warn", text);
		else if (text)
			cmig_markup_text(state->page, text);
		appendStringInfoString(state->page, "</td>");
	}
	appendStringInfoString(state->page, "</tr>\n");
}

void
cmig_page_table(StringInfo page, CmigPageTable *table)
{
	TableState	state = {page, table, 0};

	cmig_query_each(&table->query, NULL, NULL, append_row, &state);
	if (state.rows > 0)
		appendStringInfoString(page, "</tbody>\n</table>");
	else
		cmig_page_element(page, "p", "dim", table->empty);
}
