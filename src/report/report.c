/*
 * report.c
 *	  cmig.report, cmig.graph, and cmig.help.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"

#include "report/internal.h"

/* Returns the picture of the revisions in the range, and their states. */
static CmigPicture
drawing_read(const CmigView *view, const CmigMarks *range)
{
	CmigGraph  *graph = view->graph;
	CmigNames  *begun = cmig_progress_begun();

	/* a role may have been granted the tables of version 1.1 only */
	static CmigQuery readable =
	{"SELECT FROM pg_class WHERE oid = to_regclass('cmig.expansion_run') AND has_table_privilege(oid, 'SELECT')"};
	const CmigExpansion *expansion = cmig_query_do(&readable) > 0 ? cmig_expansion_read() : NULL;
	int			total = graph->count + graph->repeatable_count;
	CmigPictureState *states = palloc_extended(sizeof(CmigPictureState) *
											   (Size) Max(total, 1), MCXT_ALLOC_HUGE);
	CmigPicture picture = {.graph = graph,.states = states};

	picture.order = cmig_graph_order(graph, range, &picture.count);
	picture.repeatables = cmig_view_has_all_heads(graph, range);
	for (int i = 0; i < graph->count; i++)
		states[i] = view->is_row[i] ? CMIG_PICTURE_CURRENT :
			view->applied->applied->set[i] ? CMIG_PICTURE_APPLIED : CMIG_PICTURE_PENDING;
	for (int i = graph->count; i < total; i++)
		states[i] = cmig_repeatable_state(graph, i) == CMIG_REPEATABLE_CURRENT ?
			CMIG_PICTURE_APPLIED : CMIG_PICTURE_PENDING;
	for (int i = 0; i < begun->count; i++)
	{
		int			node = cmig_graph_find_id(graph, begun->names[i]);

		if (node >= 0)
			states[node] = CMIG_PICTURE_PARTIAL;
	}
	for (int i = 0; expansion != NULL && i < expansion->revisions->count; i++)
	{
		int			node = cmig_graph_find_id(graph, expansion->revisions->names[i]);

		if (node >= 0)
			states[node] = CMIG_PICTURE_EXPANDED;
	}
	picture.unknown = cmig_view_names(view->applied->unknown);
	return picture;
}

PG_FUNCTION_INFO_V1(cmig_graph);

/* Add a line to the result. */
static void
put_line(const char *line, void *arg)
{
	cmig_result_add_text((FunctionCallInfo) arg, line);
}

Datum
cmig_graph(PG_FUNCTION_ARGS)
{
	char	   *format = cmig_argument_text(fcinfo, 1);
	CmigView	view;
	CmigMarks  *range;
	CmigPicture picture = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (format != NULL)
	{
		view = cmig_view_read();
		range = cmig_target_range(view.graph, view.applied, cmig_argument_text(fcinfo, 0));
		picture = drawing_read(&view, range);
		picture.line = put_line;
		picture.arg = fcinfo;
	}
	if (format == NULL || !cmig_picture_draw(&picture, format))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 format ? errmsg("unknown format \"%s\"",
								 strlen(format) > NAMEDATALEN ? "..." : format)
				 : errmsg("the format must not be null"),
				 errhint("The formats are: text, mermaid, dot.")));
	return (Datum) 0;
}

/*
 * Implements cmig.help, which explains functions, tables, and settings.
 *
 * The explanations are the comments that pg_cmig--1.2.sql sets on functions,
 * tables, and columns, and the descriptions of the settings.
 */

PG_FUNCTION_INFO_V1(cmig_help);

#define LINE_WIDTH 80

static const char *const overview[] = {
	"pg_cmig runs schema migrations inside the database. SELECT * FROM cmig.status()",
	"shows its state and what to type; SELECT cmig.help('upgrade') explains a name.",
	"",
	"  look      status  current  heads  branches  history  graph  show  log  help",
	"  write     draft  create_revision  merge  load  export  autogenerate  squash",
	"  check     check  lint  plan  dry_run  diff  drift  round_trip  verify  require",
	"  move      upgrade  downgrade  stamp  reset  repair  set_protect",
	"  live      upgrade_stepwise  backfill  add_not_null  add_check  add_unique",
	"  during    pause  resume_run  throttle",
	"  rows      enable_rls  set_context  rls_status  rls_check  rls_test",
	"  audit     enable_audit  audit_history  audit_as_of  audit_report  audit_retain",
	"  scopes    scopes  create_scope  upgrade_scopes  scope_drift  drop_scope",
	"  access    grant_access  revoke_access  allow_ddl  set_ddl_policy  set_option",
	"  other     baseline  capture  script  schema_sql  import_files  import_state",
	"  tables    revision  version  journal  progress  ddl_log",
	"",
	"  SELECT * FROM cmig.upgrade('head');      CALL cmig.upgrade_stepwise('head');",
	"  with a schema for each tenant: CALL cmig.upgrade_scopes('<pattern>');"
};

/*
 * Finds the help entries for a function.  An entry has three parts: the call
 * syntax, the result, and the comment.  Overloaded functions that only raise
 * an error are left out.
 */
static CmigQuery functions_query = {
	"WITH form AS (SELECT p.oid, p.proname, p.prokind, p.proretset, d.description,"
	" regexp_replace(pg_get_function_arguments(p.oid), '::[a-z ]+(\\[\\])?|\\mIN ', '', 'g') AS arguments,"
	" pg_get_function_result(p.oid) AS result"
	" FROM pg_proc p JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass"
	" WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname::text = $1"
	" AND d.description NOT LIKE 'Not meant to be called%')"
	" SELECT CASE prokind WHEN 'p' THEN 'CALL ' ELSE '' END || 'cmig.' || proname"
	" || '(' || regexp_replace(arguments, '(, )?OUT .*$', '') || ')',"
	" CASE WHEN prokind = 'p' THEN NULL"
	" WHEN arguments ~ 'OUT ' THEN CASE WHEN proretset THEN 'Rows: ' ELSE 'Row: ' END"
	" || replace(substring(arguments FROM 'OUT (.*)$'), ', OUT ', ', ')"
	" ELSE 'Returns ' || result END, description FROM form ORDER BY arguments COLLATE \"C\"",
	{TEXTOID}
};

static CmigQuery tables_query = {
	"SELECT CASE WHEN a.attnum IS NULL THEN 'cmig.' || c.relname"
	" ELSE '    ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) END,"
	" NULL, coalesce(d.description, '')"
	" FROM pg_class c"
	" CROSS JOIN LATERAL (SELECT NULL::smallint, NULL::name, NULL::oid, NULL::integer UNION ALL"
	" SELECT attnum, attname, atttypid, atttypmod FROM pg_attribute"
	" WHERE attrelid = c.oid AND attnum > 0"
	" AND NOT attisdropped) a (attnum, attname, atttypid, atttypmod)"
	" LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass"
	" AND d.objsubid = coalesce(a.attnum, 0)"
	" WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'v')"
	" AND c.relname::text = $1"
	" ORDER BY a.attnum NULLS FIRST",
	{TEXTOID}
};

static CmigQuery settings_query = {
	"SELECT name, concat_ws(', ', vartype, 'now ' || coalesce(nullif(setting, ''), 'not set'),"
	" 'one of ' || array_to_string(enumvals, ', ')),"
	" concat_ws(' ', short_desc, extra_desc) FROM pg_settings"
	" WHERE name = 'cmig.' || $1",
	{TEXTOID}
};

/* The private views of the audit are left out. */
static CmigQuery similar_query = {
	"SELECT string_agg(name, ', ') FROM (SELECT name FROM"
	" (SELECT proname::text FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace"
	" UNION ALL SELECT relname::text FROM pg_class"
	" WHERE relnamespace = 'cmig'::regnamespace AND relkind IN ('r', 'v')"
	" AND relname NOT LIKE 'audit\\_%') n (name)"
	" WHERE $1 <> '' AND (strpos(name, lower($1)) > 0 OR strpos(lower($1), name) > 0)"
	" GROUP BY name ORDER BY name COLLATE \"C\" LIMIT 10) n",
	{TEXTOID}
};

/*
 * Add text to the result, wrapped into lines.  The first line is indented by
 * "first" columns, and the other lines by "rest" columns.
 */
static void
put_wrapped(FunctionCallInfo fcinfo, const char *text, int first, int rest)
{
	StringInfoData line;
	int			indent = first;

	initStringInfo(&line);
	while (*text)
	{
		int			length = strcspn(text, " ");

		if (line.len > 0 && line.len + 1 + length > LINE_WIDTH)
		{
			cmig_result_add_text(fcinfo, line.data);
			resetStringInfo(&line);
		}
		if (line.len == 0)
		{
			appendStringInfoSpaces(&line, indent);
			indent = rest;
		}
		else if (line.data[line.len - 1] != ' ')
			appendStringInfoChar(&line, ' ');
		appendBinaryStringInfo(&line, text, length);
		text += length;
		while (*text == ' ')
			text++;
	}
	if (line.len > 0)
		cmig_result_add_text(fcinfo, line.data);
	pfree(line.data);
}

Datum
cmig_help(PG_FUNCTION_ARGS)
{
	CmigQuery  *queries[] = {&functions_query, &tables_query, &settings_query};
	char	   *name = cmig_argument_text(fcinfo, 0);
	char	   *similar;
	bool		any = false;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (name == NULL)
	{
		for (int i = 0; i < lengthof(overview); i++)
			cmig_result_add_text(fcinfo, overview[i]);
		return (Datum) 0;
	}
	if (strncmp(name, "cmig.", 5) == 0)
		name += 5;
	name[strcspn(name, "(")] = '\0';
	for (int i = 0; i < lengthof(queries); i++)
		foreach_ptr(CmigValue, row, cmig_query_list(queries[i], name))
	{
		char	  **entry = row;
		int			indent;

		if (entry[0] == NULL)
			continue;
		if (any && entry[0][0] != ' ')
			cmig_result_add_text(fcinfo, "");
		any = true;
		indent = strspn(entry[0], " ");
		put_wrapped(fcinfo, entry[0] + indent, indent, indent + 8);
		if (entry[1])
			put_wrapped(fcinfo, entry[1], indent + 4, indent + 8);
		if (entry[2])
			put_wrapped(fcinfo, entry[2], indent + 4, indent + 4);
	}
	if (any)
		return (Datum) 0;
	similar = cmig_query_value(&similar_query, name);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("pg_cmig has no function, table, or setting \"%s\"",
					strlen(name) > NAMEDATALEN ? "..." : name),
			 similar ? errhint("Similar names are: %s.", similar)
			 : cmig_hint("`SELECT cmig.help()` shows an overview.")));
}

/*
 * Writes the parts of an HTML page: its head, sections, and tables.
 *
 * The page loads nothing from the network and runs no scripts.  Its
 * Content-Security-Policy enforces this.
 */

/*
 * A table on the page.  All result columns of the query are strings.  If the
 * query returns no rows, "empty" is shown.
 */
typedef struct CmigPageTable
{
	CmigQuery	query;
	const char *columns[8];		/* column titles; a title that begins with "!"
								 * marks a column with SQL */
	const char *empty;
	struct CmigPageTable *more; /* another table in the same section */
	CmigQuery  *made;			/* instead of "query", if its text is built at
								 * run time */
} CmigPageTable;

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

/* Append an element that contains a string from the database. */
static void
page_element(StringInfo page, const char *tag, const char *class, const char *text)
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
	void	   *arg;
} Section;

/*
 * Append a section.  The callback, whose argument is a Section *, writes its
 * content.  If that raises an error, for example because the caller is not
 * allowed to read the data, the section shows the error message instead.
 * Notices are suppressed, because the page shows the same information.
 */
static void
page_section(StringInfo page, const char *title, CmigSubtransactionWork content, void *arg)
{
	Section		section = {page, arg};
	ErrorData  *error;
	int			start;
	int			level = NewGUCNestLevel();

	appendStringInfoString(page, "<section>\n");
	page_element(page, "h2", NULL, title);
	appendStringInfoChar(page, '\n');
	start = page->len;
	if (client_min_messages < WARNING)
		cmig_settings_override("client_min_messages", "warning");
	error = cmig_subtransaction_try(content, &section);
	AtEOXact_GUC(true, level);
	if (error != NULL)
	{
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		page->len = start;
		page->data[start] = '\0';
		page_element(page, "p", "dim", psprintf("Not shown: %s", error->message));
		if (error->detail)
			page_element(page, "p", "dim", error->detail);
		if (error->hint)
			page_element(page, "p", "dim", error->hint);
	}
	appendStringInfoString(page, "\n</section>\n");
}

static const char *
column_title(const char *column)
{
	return column[0] == '!' ? column + 1 : column;
}

/* How many bytes a table can take, so that a browser can open the page. */
#define MOST_TABLE 100000

/* Maximum number of bytes of a text in a table.  A message can contain a long token of a script. */
#define MOST_CELL 2000

/* Append a table, or its first rows. */
static void
page_table(StringInfo page, CmigPageTable *table)
{
	List	   *rows = cmig_query_list(table->made ? table->made : &table->query);
	int			columns = 0;
	int			shown = 0;
	int			start = page->len;

	if (rows == NIL)
	{
		page_element(page, "p", "dim", table->empty);
		return;
	}
	appendStringInfoString(page, "<table>\n<thead><tr>");
	while (columns < lengthof(table->columns) && table->columns[columns])
		page_element(page, "th", NULL, column_title(table->columns[columns++]));
	appendStringInfoString(page, "</tr></thead>\n<tbody>\n");
	foreach_ptr(CmigValue, row, rows)
	{
		if (page->len - start > MOST_TABLE)
			break;
		shown++;
		appendStringInfoString(page, "<tr>");
		for (int i = 0; i < columns; i++)
		{
			const char *text = row[i] ? row[i] : "";

			appendStringInfo(page, "<td data-h=\"%s\">", column_title(table->columns[i]));
			if (text[0] != '\0' && table->columns[i][0] == '!')
				page_element(page, "code", NULL, text);
			else if (strcmp(text, "error") == 0 || strcmp(text, "warning") == 0)
				page_element(page, "span", text[0] == 'e' ? "tag bad" : "tag warn", text);
			else if (!cmig_markup_append(page, text, MOST_CELL))
				appendStringInfo(page, "... (%zu bytes in all)", strlen(text));
			appendStringInfoString(page, "</td>");
		}
		appendStringInfoString(page, "</tr>\n");
	}
	appendStringInfoString(page, "</tbody>\n</table>");
	if (shown < list_length(rows))
		appendStringInfo(page, "\n<p class=\"dim\">These are the first %d of %d rows.</p>", shown,
						 list_length(rows));
}

/* page_section callback: append a CmigPageTable and those that follow it. */
static void
page_tables(void *arg)
{
	Section    *section = arg;

	for (CmigPageTable *table = section->arg; table != NULL; table = table->more)
	{
		page_table(section->page, table);
		if (table->more != NULL)
			appendStringInfoString(section->page, "<p></p>\n");
	}
}

/*
 * Writes the graph and the revisions' scripts on an HTML page.
 *
 * Each revision is a <details> element.  Its summary is a row of the drawing.
 * A click on the summary shows the scripts.
 */

/* Maximum number of bytes of a script to show. */
#define MOST_SCRIPT 20000

static const char *const state_names[] = {
	[CMIG_PICTURE_PENDING] = "pending",
	[CMIG_PICTURE_APPLIED] = "applied",
	[CMIG_PICTURE_CURRENT] = "current",
	[CMIG_PICTURE_PARTIAL] = "partially applied",
	[CMIG_PICTURE_EXPANDED] = "expanded"
};

/* Returns the number of lanes in a picture, at least 1. */
static int
graph_width(const CmigPicture *picture)
{
	CmigLanes  *lanes = cmig_lanes_begin(picture->graph, picture->order, picture->count);
	const CmigLanesRow *row;
	int			width = 1;

	while ((row = cmig_lanes_next(lanes)) != NULL)
		width = Max(width, row->count);
	return width;
}

/* Append a script with a title.  Does nothing if there is no script. */
static void
append_script(StringInfo page, const char *title, const char *sql)
{
	if (!cmig_text_is_given(sql))
		return;
	page_element(page, "p", "dim", title);
	appendStringInfoString(page, "<pre>");
	if (!cmig_markup_append(page, sql, MOST_SCRIPT))
		appendStringInfo(page, "\n... (%zu bytes in all)", strlen(sql));
	appendStringInfoString(page, "</pre>\n");
}

/*
 * Append a revision: its summary and the details that appear when the summary
 * is clicked.  "row" is its row in the drawing, or NULL if the revision has no
 * edges.
 */
static void
append_revision(StringInfo page, const CmigPicture *picture, int node,
				const CmigLanesRow *row, int width)
{
	static const char *const classes[] = {
		[CMIG_PICTURE_PENDING] = "tag",
		[CMIG_PICTURE_CURRENT] = "tag ok",
		[CMIG_PICTURE_PARTIAL] = "tag warn",
		[CMIG_PICTURE_EXPANDED] = "tag warn"
	};
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	CmigPictureState state = picture->states[node];
	CmigRevisionText *text = cmig_catalog_read_text(revision->id);
	char	   *notes = cmig_picture_notes(picture, node);

	appendStringInfo(page, "<details id=\"r%d\"><summary title=\"", node);
	cmig_markup_text(page, revision->id);
	appendStringInfo(page, ": %s\">", state_names[state]);
	cmig_svg_row(page, row, width, state);
	appendStringInfoString(page, "<span class=\"w\">");
	page_element(page, "span", "id", revision->id);
	if (state != CMIG_PICTURE_APPLIED)
		page_element(page, "span", classes[state], state_names[state]);
	if (notes[0] != '\0')
		page_element(page, "span", "tag", notes);
	page_element(page, "span", "m", revision->message ? revision->message : "");
	page_element(page, "span", "d", cmig_picture_day(revision));
	appendStringInfoString(page, "</span></summary><div class=\"b\">");
	if (row)
		cmig_svg_below(page, row, width);
	if (text != NULL)			/* not deleted by another session */
	{
		if (text->edges.created_by)
			page_element(page, "p", "dim", psprintf("stored by %s", text->edges.created_by));
		if (text->description && text->description[0])
			page_element(page, "p", NULL, text->description);
		append_script(page, "Precondition", text->precondition_sql);
		append_script(page, "Upgrade", text->upgrade_sql);
		if (text->downgrade_sql != NULL)
			append_script(page, "Downgrade", text->downgrade_sql);
		else if (!text->edges.repeatable && text->expand == NULL)
			page_element(page, "p", "dim", "irreversible: no downgrade script");
		append_script(page, "Verify", text->verify_sql);
	}
	appendStringInfoString(page, "</div></details>\n");
}

/* page_section callback: append the graph, a CmigPicture. */
static void
page_graph(void *arg)
{
	StringInfo	page = ((Section *) arg)->page;
	const CmigPicture *picture = ((Section *) arg)->arg;
	CmigLanes  *lanes = cmig_lanes_begin(picture->graph, picture->order, picture->count);
	const CmigLanesRow *row;
	int			width = graph_width(picture);
	int			extra = picture->repeatables ? picture->graph->repeatable_count : 0;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig report row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (picture->count + extra == 0)
		page_element(page, "p", "dim", "There are no revisions.");
	else
	{
		appendStringInfoString(page, "<div class=\"legend\">");
		for (int i = 0; i < lengthof(state_names); i++)
		{
			appendStringInfoString(page, "<span>");
			cmig_svg_row(page, NULL, 1, i);
			appendStringInfo(page, "%s</span>", state_names[i]);
		}
		appendStringInfoString(page, "<span>Click a revision to see its scripts.</span></div>\n");
	}
	for (int i = picture->graph->count + extra - 1; i >= picture->graph->count; i--)
		append_revision(page, picture, i, NULL, width);
	while ((row = cmig_lanes_next(lanes)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		append_revision(page, picture, row->node, row, width);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Implements cmig.report, which returns an HTML page about all migrations
 * of the database.
 *
 * Most sections show the result of another function, which is called with the
 * caller's privileges.  If the caller is not allowed to read the data of a
 * section, the section says so.
 */

PG_FUNCTION_INFO_V1(cmig_report);

/* Maximum number of journal rows shown. */
#define MOST_ROWS 200

static CmigPageTable state_table = {
	{"SELECT item, value, hint FROM cmig.status()"},
	{"Item", "Value", "!To type"},
	"Nothing is known."
};

static CmigPageTable rls_findings_table = {
	{"SELECT severity, object, problem, fix FROM cmig.rls_check()"},
	{"Severity", "Object", "Problem", "!Fix"},
	"cmig.rls_check has found nothing."
};

static CmigPageTable rls_table = {
	{"SELECT target, CASE WHEN enabled THEN CASE WHEN forced THEN 'forced' ELSE 'enabled' END ELSE 'disabled' END,"
	" columns, roles, bypass_roles, policies::text FROM cmig.rls_status()"},
	{"Table", "Policies are", "Columns", "Roles", "Bypassed by", "Number"},
	"No table has policies.",
	&rls_findings_table
};

static CmigPageTable audit_table = {
	{"SELECT target, level, operations, options, problem FROM cmig.audit_status()"},
	{"Table", "Level", "Operations", "Options", "Problem"},
	"No table is audited."
};

/* The verdicts need a rehearsal, for which a report has no privileges. */
static CmigPageTable workload_table = {
	{"SELECT name, count(*)::text, sum(calls)::text, max(saved_at)::text, format('SELECT * FROM cmig.workload_check(workload => %L)', name)"
	" FROM cmig.workload GROUP BY name ORDER BY name"},
	{"Name", "Queries", "Calls", "Saved at", "!To judge them"},
	"cmig.workload_save has saved no queries."
};

/* Append a row of the journal; "node" is that of its revision, or -1. */
static void
append_step(StringInfo page, const CmigJournalShown *row, const CmigGraph *graph, int node)
{
	static const char *const classes[] = {"upgrade", "downgrade", "stamp", "repair"};
	const char *class = "other";
	bool		failed = strcmp(row->outcome, "failed") == 0;

	for (int i = 0; i < lengthof(classes); i++)
		if (strcmp(row->direction, classes[i]) == 0)
			class = classes[i];
	appendStringInfo(page, "<li class=\"%s\"><p>", failed ? "failed" : class);
	page_element(page, "b", NULL, row->direction);
	appendStringInfoChar(page, ' ');
	if (node >= 0)
		appendStringInfo(page, "<a href=\"#r%d\">", node);
	if (row->revision)
		cmig_markup_text(page, row->revision);
	if (node >= 0)
		appendStringInfoString(page, "</a>");
	if (strcmp(row->outcome, "done") != 0)
	{
		appendStringInfoChar(page, ' ');
		page_element(page, "span", failed ? "tag bad" : "tag warn", row->outcome);
	}
	if (node >= 0)
	{
		appendStringInfoChar(page, ' ');
		cmig_markup_text(page, graph->nodes[node].revision->message);
	}
	appendStringInfoString(page, "</p>");
	if (row->message)
		page_element(page, "p", NULL, row->message);
	page_element(page, "p", "dim",
				 psprintf("%s, by %s%s%s", row->started_at ? row->started_at : "", row->role,
						  row->elapsed ? ", " : "",
						  row->elapsed ? row->elapsed : ""));
	appendStringInfoString(page, "</li>\n");
}

/* page_section callback: append the journal of a CmigGraph. */
static void
page_journal(void *arg)
{
	StringInfo	page = ((Section *) arg)->page;
	const CmigGraph *graph = ((Section *) arg)->arg;
	List	   *rows = cmig_journal_read_rows(MOST_ROWS);

	if (rows == NIL)
	{
		page_element(page, "p", "dim", "Nothing has been done yet.");
		return;
	}
	appendStringInfoString(page, "<ol>\n");
	foreach_ptr(const CmigJournalShown, row, rows)
		append_step(page, row, graph,
					row->revision ? cmig_repeatables_find_any(graph, row->revision) : -1);
	appendStringInfoString(page, "</ol>");
	if (atoi(((const CmigJournalShown *) linitial(rows))->count) > MOST_ROWS)
		appendStringInfo(page,
						 "<p class=\"dim\">These are the last %d of %s rows of cmig.journal.</p>",
						 MOST_ROWS, ((const CmigJournalShown *) linitial(rows))->count);
}

/* Append a number or a name to be shown at the top of the page. */
static void
append_card(StringInfo page, const char *title, const char *value)
{
	appendStringInfoString(page, "<div class=\"card\">");
	page_element(page, "b", NULL, value);
	page_element(page, "span", NULL, title);
	appendStringInfoString(page, "</div>");
}

CMIG_READER(cmig_report)
{
	CmigView	view = cmig_view_read();
	CmigMarks  *range = cmig_target_range(view.graph, view.applied, "base:heads");
	CmigPicture picture = drawing_read(&view, range);
	char	   *title = psprintf("Migrations of %s", get_database_name(MyDatabaseId));
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	const CmigNames *current = view.applied->rows;
	int			applied = view.applied->applied->count;
	const bool *elsewhere = cmig_view_elsewhere(&view);
	CmigPageTable pending_table = {
		{NULL},
		{"Step", "Revision", "Message", "Locks and sizes of tables"},
		"Nothing is pending."
	};
	int			pending = 0;
	int			heads = 0;
	int			pixels;
	bool		read_only = XactReadOnly;
	StringInfoData sql;
	StringInfoData page;

	cmig_version_rows_check_snapshot();

	/*
	 * cmig.rls_check must not store its findings; after an error, the server
	 * restores this
	 */
	XactReadOnly = true;
	for (int i = 0; i < view.graph->count; i++)
		heads += cmig_graph_is_head(view.graph, i);
	initStringInfo(&sql);
	for (int i = 0; i < view.graph->count; i++)
		if (elsewhere != NULL && elsewhere[i])
			appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : " WHERE revision NOT IN (",
							 quote_literal_cstr(cmig_graph_id(view.graph, i)));
		else
			pending += !view.applied->applied->set[i];
	pending_table.made =
		cmig_query_make(psprintf("SELECT step::pg_catalog.text, revision, message, locks FROM cmig.plan('upgrade', 'heads')%s%s",
								 sql.data, sql.len > 0 ? ")" : ""), NIL, 0, NULL);
	/* use the caller's search_path, on which the locks depend */
	pending_table.made->users_text = true;
	initStringInfo(&page);
	pixels = Min(graph_width(&picture) * CMIG_SVG_LANE, MOST_PIXELS);
	appendStringInfoString(&page,
						   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
						   "<meta http-equiv=\"Content-Security-Policy\""
						   " content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
						   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
						   "<meta name=\"color-scheme\" content=\"light dark\">\n");
	page_element(&page, "title", NULL, title);
	appendStringInfo(&page, "\n<style>\n%s\n", style);
	for (int color = 0; color <CMIG_SVG_COLORS; color ++)
		appendStringInfo(&page, ".g .l%d,.k .l%d{stroke:var(--c%d)}", color, color, color);
	appendStringInfo(&page,
					 ".g,.k{width:min(%dpx,32vw)}.b{padding-left:calc(min(%dpx,32vw) + 10px)}",
					 pixels, pixels);
	appendStringInfoString(&page, "\n</style>\n</head>\n<body>\n<main>\n<header>");
	page_element(&page, "h1", NULL, title);
	page_element(&page, "p", "dim",
				 psprintf("%s, by %s, PostgreSQL %s",
						  timestamptz_to_str(now - now % USECS_PER_SEC),
						  GetUserNameFromId(GetUserId(), false),
						  GetConfigOption("server_version", false, false)));
	appendStringInfoString(&page, "</header>\n<div class=\"cards\">");
	append_card(&page, "current", current->count > 3 ? psprintf("%d revisions", current->count) :
				current->count == 0 ? "base" : cmig_names_text(current));
	append_card(&page, "applied", psprintf("%d of %d", applied, view.graph->count));
	append_card(&page, "pending", psprintf("%d", pending));
	append_card(&page, heads == 1 ? "head" : "heads", psprintf("%d", heads));
	appendStringInfoString(&page, "</div>\n");
	page_section(&page, "State", page_tables, &state_table);
	page_section(&page, "Pending steps", page_tables, &pending_table);
	page_section(&page, "Revisions", page_graph, &picture);
	page_section(&page, "Journal", page_journal, view.graph);
	page_section(&page, "Row-level security", page_tables, &rls_table);
	page_section(&page, "Audit", page_tables, &audit_table);
	page_section(&page, "Queries of the application", page_tables, &workload_table);
	appendStringInfoString(&page, "</main>\n</body>\n</html>\n");
	XactReadOnly = read_only;
	PG_RETURN_TEXT_P(cstring_to_text_with_len(page.data, page.len));
}
