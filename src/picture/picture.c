/*
 * picture.c
 *	  Functions shared by all drawing formats.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/picture.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

int *
cmig_picture_nodes(const CmigPicture *picture, int *count)
{
	const CmigGraph *graph = picture->graph;
	int			extra = picture->repeatables ? graph->repeatable_count : 0;
	int		   *nodes = palloc_extended(sizeof(int) * (Size) Max(picture->count + extra, 1),
										MCXT_ALLOC_HUGE);

	memcpy(nodes, picture->order, sizeof(int) * picture->count);
	for (int i = 0; i < extra; i++)
		nodes[picture->count + i] = graph->count + i;
	*count = picture->count + extra;
	return nodes;
}

bool *
cmig_picture_members(const CmigPicture *picture)
{
	int			count;
	int		   *nodes = cmig_picture_nodes(picture, &count);
	bool	   *members = palloc_extended(Max(picture->graph->count + picture->graph->repeatable_count, 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int i = 0; i < count; i++)
		members[nodes[i]] = true;
	pfree(nodes);
	return members;
}

void
cmig_picture_append_line(StringInfo to, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++)
		appendStringInfoChar(to, (unsigned char) *c < ' ' || *c == 0x7f ? ' ' : *c);
}

/*
 * Append a note to the comma-separated list that begins at offset "start" of
 * "to".
 */
static void
append_note(StringInfo to, int start, const char *what, const char *name)
{
	if (to->len > start)
		appendStringInfoString(to, ", ");
	appendStringInfoString(to, what);
	cmig_picture_append_line(to, name);
}

/*
 * Append notes about the node's missing parents to the comma-separated list
 * that begins at offset "start" of "to".
 */
static void
append_missing(StringInfo to, int start, const CmigGraph *graph, int node)
{
	const CmigRevision *revision = graph->nodes[node].revision;

	for (int i = 0; i < revision->parents.count; i++)
	{
		if (cmig_graph_find_name(graph, revision->parents.names[i]) < 0)
			append_note(to, start, "no parent ", revision->parents.names[i]);
	}
}

void
cmig_picture_append_notes(StringInfo to, const CmigPicture *picture, int node,
						  const char *prefix, const char *suffix)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	int			whole = to->len;
	int			start;

	appendStringInfoString(to, prefix);
	start = to->len;
	if (revision->repeatable)
		append_note(to, start, "repeatable", "");
	for (int i = 0; i < revision->labels.count; i++)
		append_note(to, start, "", revision->labels.names[i]);
	for (int i = 0; i < revision->depends.count; i++)
		append_note(to, start, "depends on ", revision->depends.names[i]);
	if (picture->graph->defects != NIL)
		append_missing(to, start, picture->graph, node);
	if (picture->states[node] == CMIG_PICTURE_PARTIAL)
		append_note(to, start, "partially applied", "");
	if (to->len > start)
		appendStringInfoString(to, suffix);
	else
	{
		to->len = whole;
		to->data[whole] = '\0';
	}
}

void
cmig_picture_append_label(StringInfo to, const CmigPicture *picture, int node,
						  void (*append) (StringInfo to, const char *text),
						  const char *line_break)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	StringInfoData notes;

	initStringInfo(&notes);
	cmig_picture_append_notes(&notes, picture, node, "", "");
	append(to, revision->id);
	if (revision->message && revision->message[0])
	{
		appendStringInfoString(to, line_break);
		append(to, revision->message);
	}
	if (notes.len > 0)
	{
		appendStringInfoString(to, line_break);
		append(to, notes.data);
	}
	pfree(notes.data);
}

void
cmig_picture_append_day(StringInfo to, const CmigRevision *revision, const char *prefix)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			zone;

	if (revision->has_created_at && !TIMESTAMP_NOT_FINITE(revision->created_at) &&
		timestamp2tm(revision->created_at, &zone, &tm, &fraction, NULL, NULL) == 0)
		appendStringInfo(to, "%s%04d-%02d-%02d", prefix, tm.tm_year, tm.tm_mon, tm.tm_mday);
}
