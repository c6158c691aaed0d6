/*
 * report.c
 *	  Implements cmig.report, which returns an HTML page about all migrations
 *	  of the database.
 *
 * Most sections show the result of another function, which is called with the
 * caller's privileges.  If the caller is not allowed to read the data of a
 * section, the section says so.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "commands/dbcommands.h"
#include "graph/repeatables.h"
#include "graph/target_range.h"
#include "picture/markup.h"
#include "report/drawing.h"
#include "report/page.h"
#include "report/page_graph.h"
#include "tables/journal_read.h"

PG_FUNCTION_INFO_V1(cmig_report);

/* Maximum number of journal rows shown. */
#define MOST_ROWS 200

static CmigPageTable state_table = {
	{"SELECT item, value, hint FROM cmig.status()", 0},
	{"Item", "Value", "!To type"},
	"Nothing is known."
};

static CmigPageTable pending_table = {
	/* use the caller's search_path, on which the locks depend */
	{"SELECT step::pg_catalog.text, revision, message, locks FROM cmig.plan('upgrade', 'heads')", 0,.users_text = true},
	{"Step", "Revision", "Message", "Locks and sizes of tables"},
	"Nothing is pending."
};

static CmigPageTable rls_table = {
	{"SELECT target, CASE WHEN enabled THEN CASE WHEN forced THEN 'forced' ELSE 'enabled' END ELSE 'disabled' END,"
	" columns, roles, bypass_roles, policies::text FROM cmig.rls_status()", 0},
	{"Table", "Policies are", "Columns", "Roles", "Bypassed by", "Number"},
	"No table has policies."
};

static CmigPageTable rls_findings_table = {
	{"SELECT severity, object, problem, fix FROM cmig.rls_check()", 0},
	{"Severity", "Object", "Problem", "!Fix"},
	"cmig.rls_check has found nothing."
};

static CmigPageTable audit_table = {
	{"SELECT target, level, operations, options, problem FROM cmig.audit_status()", 0},
	{"Table", "Level", "Operations", "Options", "Problem"},
	"No table is audited."
};

/* CmigPageContent callback: write a section that consists of a table. */
static void
write_table(StringInfo page, void *arg)
{
	cmig_page_table(page, arg);
}

static void
write_posture(StringInfo page, void *arg)
{
	cmig_page_table(page, &rls_table);
	appendStringInfoString(page, "<p></p>\n");
	cmig_page_table(page, &rls_findings_table);
}

/* The state of writing the journal section. */
typedef struct TimeLine
{
	StringInfo	page;
	const CmigGraph *graph;
	int			rows;
} TimeLine;

/* Append a duration. */
static void
append_elapsed(StringInfo page, const Interval *elapsed)
{
	double		ms = elapsed->time / 1000.0 + elapsed->day * 86400000.0 + elapsed->month * 30 * 86400000.0;

	if (ms < 1000)
		appendStringInfo(page, "%.0f ms", ms);
	else if (ms < 120 * 1000)
		appendStringInfo(page, "%.1f s", ms / 1000);
	else
		appendStringInfo(page, "%.0f min", ms / 60000);
}

/* Append the action in a journal row and the revision to which it applies. */
static void
append_what(TimeLine *line, const CmigJournalShown *row)
{
	int			node = row->revision ? cmig_repeatables_find_any(line->graph, row->revision) : -1;
	StringInfo	page = line->page;

	appendStringInfoString(page, "<p>");
	cmig_page_element(page, "b", NULL, row->direction);
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
		cmig_page_element(page, "span", strcmp(row->outcome, "failed") == 0 ? "tag bad" : "tag warn",
						  row->outcome);
	}
	if (node >= 0)
	{
		appendStringInfoChar(page, ' ');
		cmig_markup_text(page, line->graph->nodes[node].revision->message);
	}
	appendStringInfoString(page, "</p>");
}

/* Journal callback: append a row. */
static void
append_step(const CmigJournalShown *row, void *arg)
{
	static const char *const classes[] = {"upgrade", "downgrade", "stamp", "repair"};
	TimeLine   *line = arg;
	StringInfo	page = line->page;
	const char *class = "other";

	if (line->rows++ >= MOST_ROWS)
		return;
	for (int i = 0; i < lengthof(classes); i++)
	{
		if (strcmp(row->direction, classes[i]) == 0)
			class = classes[i];
	}
	if (strcmp(row->outcome, "failed") == 0)
		class = "failed";
	appendStringInfo(page, "<li class=\"%s\">", class);
	append_what(line, row);
	if (row->message)
		cmig_page_element(page, "p", NULL, row->sqlstate ? psprintf("%s: %s", row->sqlstate, row->message)
						  : row->message);
	appendStringInfoString(page, "<p class=\"dim\">");
	if (row->has_started_at)
		cmig_markup_text(page, timestamptz_to_str(row->started_at));
	appendStringInfoString(page, ", by ");
	cmig_markup_text(page, row->role);
	if (row->elapsed)
	{
		appendStringInfoString(page, ", ");
		append_elapsed(page, row->elapsed);
	}
	appendStringInfoString(page, "</p></li>\n");
}

static void
write_journal(StringInfo page, void *arg)
{
	TimeLine	line = {page, arg, 0};
	int			start = page->len;

	appendStringInfoString(page, "<ol>\n");
	cmig_journal_read_each(append_step, &line);
	appendStringInfoString(page, "</ol>");
	if (line.rows > MOST_ROWS)
		appendStringInfo(page, "<p class=\"dim\">These are the last %d of %d rows of cmig.journal.</p>",
						 MOST_ROWS, line.rows);
	if (line.rows == 0)
	{
		page->len = start;
		cmig_page_element(page, "p", "dim", "Nothing has been done yet.");
	}
}

/* Append a number or a name to be shown at the top of the page. */
static void
append_card(StringInfo page, const char *title, const char *value)
{
	appendStringInfoString(page, "<div class=\"card\">");
	cmig_page_element(page, "b", NULL, value);
	cmig_page_element(page, "span", NULL, title);
	appendStringInfoString(page, "</div>");
}

/* Append cards that show the current, applied, and pending revisions. */
static void
append_cards(StringInfo page, const CmigView *view)
{
	int			applied = view->applied->applied->count;
	int			pending = view->graph->count - applied;
	int			heads = 0;

	for (int i = 0; i < view->graph->count; i++)
		heads += cmig_graph_is_head(view->graph, i);
	appendStringInfoString(page, "<div class=\"cards\">");
	if (view->applied->rows->count > 3)
		append_card(page, "current", psprintf("%d revisions", view->applied->rows->count));
	else
		append_card(page, "current", view->applied->rows->count == 0 ? "base"
					: cmig_view_names_text(view->applied->rows));
	append_card(page, "applied", psprintf("%d of %d", applied, view->graph->count));
	append_card(page, "pending", psprintf("%d", pending));
	append_card(page, heads == 1 ? "head" : "heads", psprintf("%d", heads));
	appendStringInfoString(page, "</div>\n");
}

static void
append_title(StringInfo page, const char *title)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	appendStringInfoString(page, "<header>");
	cmig_page_element(page, "h1", NULL, title);
	cmig_page_element(page, "p", "dim",
					  psprintf("%s, by %s, PostgreSQL %s",
							   timestamptz_to_str(now - now % USECS_PER_SEC),
							   GetUserNameFromId(GetUserId(), false),
							   GetConfigOption("server_version", false, false)));
	appendStringInfoString(page, "</header>\n");
}

Datum
cmig_report(PG_FUNCTION_ARGS)
{
	CmigView	view = cmig_view_read();
	CmigMarks  *range = cmig_target_range(view.graph, view.applied, "base:heads");
	CmigPicture picture = cmig_drawing_read(&view, range);
	char	   *title = psprintf("Migrations of %s", get_database_name(MyDatabaseId));
	StringInfoData page;

	initStringInfo(&page);
	cmig_page_begin(&page, title, cmig_page_graph_width(&picture));
	append_title(&page, title);
	append_cards(&page, &view);
	cmig_page_section(&page, "State", write_table, &state_table);
	cmig_page_section(&page, "Pending steps", write_table, &pending_table);
	cmig_page_section(&page, "Revisions", cmig_page_graph, &picture);
	cmig_page_section(&page, "Journal", write_journal, view.graph);
	cmig_page_section(&page, "Row-level security", write_posture, NULL);
	cmig_page_section(&page, "Audit", write_table, &audit_table);
	cmig_page_end(&page);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(page.data, page.len));
}
