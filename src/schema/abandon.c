/*
 * abandon.c
 *	  cmig.abandon_partial: reverts what a stepwise run left unfinished.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "schema/internal.h"

/*
 * The statements that revert a partially applied revision are those that
 * cmig.drift would return, because the revision is not applied.  However, a
 * database may have other drift, which must stay.  Therefore, the statements of
 * the revision that were begun are also replayed, after the applied revisions:
 * only differences in objects that they change are reverted.
 *
 * Each statement is committed.  cmig.progress keeps its rows until everything
 * is reverted, and they are marked, so that after an interruption, the same
 * CALL continues, because it compares again, and no other run does.
 */

PG_FUNCTION_INFO_V1(cmig_abandon_partial);

/* What confirm must end with if data would be lost. */
#define LOSING_DATA ", losing data"

/* Statements to run in one transaction. */
typedef struct Part
{
	char	   *sql;
	char	   *shown;			/* the same, for the user */
	bool		concurrent;		/* a statement with CONCURRENTLY */
	Oid			object;			/* of what VALIDATE CONSTRAINT names, and */
	Oid			constraint;		/* that, or InvalidOid */
} Part;

/* A call of cmig.abandon_partial. */
typedef struct Abandon
{
	CmigSituation now;
	int			node;
	const char *revision;
	CmigDirection direction;	/* of the step that was not finished */
	const char *what;			/* "the upgrade of revision "006"" */
	List	   *rows;			/* list of CmigProgressRow */
	char	   *script;
	bool		done_only;		/* replay only statements that are complete? */
	CmigDrift	drift;
	List	   *touched;		/* list of CmigDiffLine: what the statements
								 * change */
	List	   *renames;		/* list of RenameStmt that have run */
	List	   *extensions;		/* list of char *: those it has created */
	List	   *schemas;		/* likewise */
	CmigImage  *before;			/* the replayed schema before them */
	CmigListing row_changers;	/* statements whose changes of rows remain */
	CmigListing unseen;			/* what they change outside of schemas */
	CmigListing losses;			/* the objects whose data would be lost */
	List	   *parts;			/* the result, a list of Part */
	List	   *others;			/* list of CmigDiffLine: other drift */
	CmigListing empty;			/* objects that come back without rows */
	const Part *part;			/* the one that is running, or NULL */
} Abandon;

/* Raise an error because the revision is not partially applied. */
static void
refuse_whole(const Abandon *abandon, const List *rows)
{
	const CmigGraph *graph = abandon->now.graph;
	const CmigRevision *revision = graph->nodes[abandon->node].revision;
	bool		repeatable = cmig_repeatables_is(graph, abandon->node);
	bool		applied = repeatable ?
	cmig_repeatable_state(graph, abandon->node) == CMIG_REPEATABLE_CURRENT :
	abandon->now.applied->applied->set[abandon->node];
	const CmigProgressRow *other = rows != NIL ? linitial(rows) : NULL;
	char	   *hint;

	if (other != NULL)
		hint = psprintf("The %s of revision \"%s\" is partially applied: `CALL cmig.abandon_partial(%s)`",
						cmig_direction_name(other->direction), other->revision,
						quote_literal_cstr(other->revision));
	else if (!applied)
		hint = psprintf("There is nothing to revert. To apply it: %s",
						cmig_upgrade_call(graph, list_make1_int(abandon->node),
										  repeatable ? "heads" : revision->id, false));
	else if (repeatable)
		hint = "A repeatable revision cannot be reverted. Load its former script, and upgrade again.";
	else
		hint = psprintf(revision->transactional ?
						"To revert it and the revisions after it: `SELECT *"
						" FROM cmig.downgrade(%s)`" :
						"To revert it and the revisions after it: `CALL cmig.downgrade_stepwise(%s)`",
						quote_literal_cstr(revision->parents.count > 0 ?
										   revision->parents.names[0] : "base"));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" is not partially applied", revision->id),
			 applied ? errdetail("It is applied.") : errdetail("It is not applied."),
			 cmig_hint("%s", hint)));
}

/* Find the revision, and what a run has recorded about it. */
static void
find_revision(Abandon *abandon, const char *name)
{
	CmigGraph  *graph;
	List	   *nodes;
	List	   *rows = cmig_progress_read();
	CmigRevisionText *text;
	bool		upgrade;

	abandon->now = cmig_move_read(true);
	graph = abandon->now.graph;
	abandon->node = cmig_repeatables_find_any(graph, name);
	if (abandon->node < 0)
	{
		nodes = cmig_target_absolute(graph, name);
		if (list_length(nodes) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not one revision", name),
					 cmig_hint("`SELECT DISTINCT revision FROM cmig.progress`")));
		abandon->node = linitial_int(nodes);
	}
	abandon->revision = cmig_graph_id(graph, abandon->node);
	foreach_ptr(CmigProgressRow, row, rows)
	{
		if (strcmp(row->revision, abandon->revision) != 0)
			continue;
		abandon->direction = row->direction;
		abandon->rows = lappend(abandon->rows, row);
	}
	text = cmig_catalog_read_text(abandon->revision);
	if (abandon->rows == NIL || text == NULL)
		refuse_whole(abandon, rows);
	upgrade = abandon->direction == CMIG_UPGRADE;
	abandon->what = psprintf("the %s of revision \"%s\"", cmig_direction_name(abandon->direction),
							 abandon->revision);
	abandon->script = upgrade ? text->upgrade_sql : text->downgrade_sql;
	abandon->script = pstrdup(cmig_placeholder_values_insert(abandon->script ? abandon->script : "",
															 &text->placeholders,
															 abandon->revision,
															 upgrade ? "upgrade" : "downgrade",
															 NULL));
}

/* The call that gives the revision up: it keeps what is applied, and discards the progress. */
static const char *
stamp_call(const Abandon *abandon)
{
	const CmigApplied *applied = abandon->now.applied;
	StringInfoData rows;

	if (applied->unknown != NIL)
		return "`SELECT cmig.stamp('<current revision>')`";
	if (applied->nodes == NIL)
		return "`SELECT cmig.stamp('base')`";
	initStringInfo(&rows);
	foreach_int(node, applied->nodes)
		appendStringInfo(&rows, "%s%s", rows.len > 0 ? ", " : "",
						 quote_literal_cstr(cmig_graph_id(abandon->now.graph, node)));
	return psprintf(list_length(applied->nodes) == 1 ? "`SELECT cmig.stamp(%s)`" :
					"`SELECT cmig.stamp(ARRAY[%s])`", rows.data);
}

/*
 * Raise an error if a statement gives an object the name that another one had
 * before an earlier statement: schemas are compared by name, so that two columns
 * or tables that exchanged their names would seem to be unchanged.
 */
static void
refuse_exchange(const Abandon *abandon, const CmigStatement *statement)
{
	foreach_ptr(const RenameStmt, earlier, abandon->renames)
	{
		const char *name = earlier->subname ? earlier->subname : earlier->relation ?
		earlier->relation->relname : NULL;

		if (name != NULL && strcmp(name, ((RenameStmt *) statement->raw->stmt)->newname) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s cannot be reverted", abandon->what),
					 errdetail("Statement %d reuses the name \"%s\" of an object that was renamed before, so objects may have exchanged their names.",
							   statement->number, name),
					 cmig_hint("Revert the statements by hand, then %s", stamp_call(abandon))));
	}
}

/*
 * Returns the script with blanks for the statements that were not begun or, if
 * "done_only" is set, have not ended.
 */
static char *
begun_script(Abandon *abandon)
{
	char	   *sql = pstrdup(abandon->script);
	CmigScriptReader *script = cmig_script_open(abandon->script);
	CmigStatement statement = {0};
	int			last = ((CmigProgressRow *) llast(abandon->rows))->statement;
	int			end = 0;

	abandon->renames = abandon->extensions = abandon->schemas = NIL;
	cmig_listing_init(&abandon->row_changers, CMIG_LISTING_PLAIN);
	while (statement.number < last && cmig_script_next(script, &statement))
	{
		int			length = strlen(statement.text);
		const CmigProgressRow *row = cmig_progress_find(abandon->rows, abandon->revision,
														abandon->direction,
														statement.number);

		end = statement.offset + length;
		if (row == NULL || (abandon->done_only && row->state != CMIG_PROGRESS_DONE))
			memset(sql + statement.offset, ' ', length);
		if (row == NULL)
			continue;
		if (IsA(statement.raw->stmt, RenameStmt) && row->state == CMIG_PROGRESS_DONE)
			refuse_exchange(abandon, &statement);
		if (IsA(statement.raw->stmt, RenameStmt) && row->state == CMIG_PROGRESS_DONE)
			abandon->renames = lappend(abandon->renames, copyObject(statement.raw->stmt));
		if (IsA(statement.raw->stmt, CreateExtensionStmt) && row->state == CMIG_PROGRESS_DONE &&
			!((CreateExtensionStmt *) statement.raw->stmt)->if_not_exists)
			abandon->extensions = lappend(abandon->extensions,
										  pstrdup(((CreateExtensionStmt *) statement.raw->stmt)->extname));
		if (IsA(statement.raw->stmt, CreateSchemaStmt) &&
			((CreateSchemaStmt *) statement.raw->stmt)->schemaname != NULL)
			abandon->schemas = lappend(abandon->schemas,
									   pstrdup(((CreateSchemaStmt *) statement.raw->stmt)->schemaname));
		if (cmig_row_change_command(statement.raw, cmig_squash_may_write) != NULL)
			cmig_listing_add_format(&abandon->row_changers, "%d", statement.number);
		if (row->state == CMIG_PROGRESS_DONE &&
			!cmig_text_same(row->checksum, cmig_script_checksum(statement.text, false)))
			break;
	}
	if (statement.number < last)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_CHANGED_REVISION),
				 errmsg("statement %d of revision \"%s\" has changed since it ran",
						Max(statement.number, 1), abandon->revision),
				 errdetail("What it did is found by running it again in empty schemas."),
				 cmig_hint("Load the script with its original text up to and including that statement, and repeat the `CALL`.")));
	cmig_script_close(script);
	sql[end] = '\0';
	return sql;
}

/* The replay of the begun statements, in a subtransaction. */
typedef struct Begun
{
	Abandon    *abandon;
	CmigReplay *replay;
} Begun;

static void
replay_begun(void *arg)
{
	Begun	   *begun = arg;
	CmigRepeatableRun run = {.node = begun->abandon->node,.sql = begun_script(begun->abandon)};

	cmig_replay_nodes(begun->replay, &run.node, 1, begun->abandon->direction, &run);
}

/*
 * Returns the identity that the table or column had before the revision, whose
 * own name was *name.
 */
static char *
old_identity(const Abandon *abandon, const CmigObject *object, const char **name)
{
	bool		is_column = object->parent != NULL;
	const char *unused;

	*name = object->name;
	foreach_ptr(const RenameStmt, rename, abandon->renames)
	{
		if (rename->renameType == (is_column ? OBJECT_COLUMN : OBJECT_TABLE) &&
			strcmp(rename->newname, object->name) == 0)
			*name = is_column ? rename->subname : rename->relation->relname;
	}
	return psprintf("%s%s%s", is_column ? old_identity(abandon, object->parent, &unused) :
					pnstrdup(object->identity,
							 strlen(object->identity) - strlen(quote_identifier(object->name))),
					is_column ? "." : "", quote_identifier(*name));
}

/*
 * Tables and columns that the revision has renamed get their names back, so
 * that they keep their rows.  Returns these renames.
 */
static List *
find_renames(const Abandon *abandon, const CmigImage *image)
{
	const CmigImage *before = abandon->drift.replayed->image;
	List	   *renames = NIL;

	for (int i = 0; i < image->count && abandon->renames != NIL; i++)
	{
		const CmigObject *object = image->objects[i];
		const char *name;
		char	   *identity = cmig_object_has_data(object) ? old_identity(abandon, object, &name) :
		NULL;

		if (identity != NULL && name != object->name &&
			cmig_image_lookup(before, object->kind, identity) != NULL &&
			cmig_image_counterpart(before, object) == NULL &&
			cmig_image_lookup(image, object->kind, identity) == NULL)
			renames = lappend(renames,
							  psprintf("%s %s -> %s", object->kind->name, object->identity,
									   quote_identifier(name)));
	}
	return renames;
}

/* A CmigReplayFinish: revert the renames of the begun statements. */
static CmigImage *
rename_begun(const CmigManaged *managed, CmigImage *image, void *arg)
{
	Abandon    *abandon = arg;

	return cmig_rename_read(managed, image, abandon->before, find_renames(abandon, image), NIL,
							true, false, &abandon->touched);
}

/*
 * A CmigReplayTask: replay the applied revisions, and then the statements that
 * were begun.  The last of these may fail here as it did in the run; it is then
 * left out.
 */
static void
replay_all(CmigReplay *replay, void *arg)
{
	Abandon    *abandon = arg;
	Begun		begun = {abandon, replay};
	List	   *assumed = NIL;
	const CmigReplayed *after;
	ErrorData  *error;
	ListCell   *cell;

	cmig_replay_plan_run(replay, cmig_replay_plan_applied(&abandon->now));
	abandon->drift.replayed = cmig_replay_state(replay, NULL, NULL);
	abandon->before = cmig_replay_image(replay, &assumed);
	error = cmig_subtransaction_try(replay_begun, &begun);
	if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
		ReThrowError(error);
	abandon->done_only = error != NULL;
	if (error != NULL)
		error = cmig_subtransaction_try(replay_begun, &begun);
	if (error != NULL)
	{
		if (error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE)
			error->hint = psprintf("%s To give the revision up instead, revert the statements by hand, then %s",
								   error->hint, cmig_hint_text(stamp_call(abandon)));
		ReThrowError(error);
	}
	after = cmig_replay_state(replay, rename_begun, abandon);
	cmig_replayed_require_owned(after);
	cmig_diff_lines(cmig_compare(after->image, abandon->before, &abandon->drift.options),
					&abandon->touched);
	abandon->drift.created = list_concat(abandon->drift.created, abandon->extensions);
	cmig_audited_compare(after->audited, abandon->drift.replayed->audited, &abandon->touched);
	cmig_listing_init(&abandon->unseen, CMIG_LISTING_PLAIN);
	for_each_from(cell, after->target->notes, list_length(abandon->drift.replayed->target->notes))
	{
		const CmigTargetNote *note = lfirst(cell);

		cmig_listing_add_format(&abandon->unseen, "%s %s", note->kind, note->object);
	}
}

/*
 * Has the revision made this difference?  Indexes that are not valid and the
 * constraints of cmig.add_not_null, which an interrupted statement leaves behind
 * under another name, count if it has changed their table.
 */
static bool
is_own(const Abandon *abandon, const CmigDiffLine *line)
{
	static CmigQuery leftover = {
		.sql = "SELECT FROM pg_index WHERE indexrelid = $1 AND NOT indisvalid"
		" UNION ALL SELECT FROM pg_constraint WHERE oid = $1 AND NOT convalidated"
		" AND conname ~ '^cmig_.*_not_null$'",
		.argtypes = {OIDOID}
	};
	bool		beside = false;

	foreach_ptr(char, name, strcmp(line->kind, "extension") == 0 ? abandon->extensions : NIL)
	{
		if (strcmp(quote_identifier(name), line->object) == 0)
			return true;
	}
	/* a schema into which it has moved objects is not its own */
	if (strcmp(line->kind, "schema") == 0 && strcmp(line->action, "drop") == 0)
	{
		foreach_ptr(char, schema, abandon->schemas)
		{
			if (strcmp(quote_identifier(schema), line->object) == 0)
				return true;
		}
		return false;
	}
	foreach_ptr(const CmigDiffLine, other, abandon->touched)
	{
		if (strcmp(other->kind, line->kind) == 0 && strcmp(other->object, line->object) == 0)
			return true;
		beside |= cmig_text_same(other->group, line->group);
	}
	return beside && line->subject != NULL && strcmp(line->action, "drop") == 0 &&
		cmig_query_do(&leftover, line->subject->address.object) > 0;
}

static bool
is_data_loss(const CmigDiffLine *line)
{
	return line->hazard != NULL && strncmp(line->hazard, "data loss", strlen("data loss")) == 0;
}

/* Divide the statements of the lines into parts, in order. */
static List *
make_parts(const List *lines)
{
	List	   *parts = NIL;

	for (int i = 0; i < list_length(lines);)
	{
		const CmigDiffLine *first = list_nth(lines, i);
		List	   *together = cmig_section_next(lines, i);
		List	   *statements = NIL;
		StringInfoData shown;
		bool		each = first->stepwise && !first->filtered;
		Part	   *part;

		initStringInfo(&shown);
		i += list_length(together);
		foreach_ptr(const CmigDiffLine, line, together)
		{
			if (line->hazard != NULL && (line->size != NULL || !is_data_loss(line)))
				appendStringInfo(&shown, "-- %s\n", cmig_text_one_line(pstrdup(line->hazard)));
			statements = list_concat(statements, cmig_section_statements(line->upgrade, false));
		}
		each |= list_length(statements) == 1 && !first->filtered;
		if (!each)
			appendStringInfoString(&shown, "BEGIN;\n");
		foreach_ptr(char, statement, statements)
		{
			appendStringInfo(&shown, "%s;\n", statement);
			if (!each)
				continue;
			part = palloc0(sizeof(Part));
			part->sql = statement;
			part->shown = pstrdup(shown.data);
			part->concurrent = first->stepwise;
			parts = lappend(parts, part);
			resetStringInfo(&shown);
		}
		if (each)
			continue;
		part = palloc0(sizeof(Part));
		part->sql = cmig_section_block(together, true, false);
		part->shown = psprintf("%sCOMMIT;\n", shown.data);
		parts = lappend(parts, part);
	}
	return parts;
}

/*
 * Find the statements that revert the step.  Raises the errors of
 * cmig_replay_run(), and an error if the step cannot be reverted.
 */
static void
look(Abandon *abandon, const char *name)
{
	CmigListing unsupported;
	List	   *own = NIL;

	memset(abandon, 0, sizeof(Abandon));
	find_revision(abandon, name);
	abandon->drift.managed = cmig_managed_schemas(NULL);
	abandon->drift.all_partitions = true;
	abandon->drift.options.privileges = abandon->drift.options.comments = true;
	abandon->drift.options.concurrently = cmig_running_concurrent_ddl();
	abandon->drift.options.role = GetUserNameFromId(GetUserId(), false);
	abandon->drift.options.time_zone = cmig_diff_time_zone();
	cmig_drift_begin(&abandon->drift, &abandon->now);
	cmig_replay_run(abandon->now.graph, "cmig.abandon_partial()", replay_all, abandon);

	abandon->drift.options.renames = find_renames(abandon, abandon->drift.live);
	cmig_listing_init(&abandon->losses, CMIG_LISTING_PLAIN);
	cmig_listing_init(&abandon->empty, CMIG_LISTING_PLAIN);
	cmig_listing_init(&unsupported, CMIG_LISTING_LINES);
	foreach_ptr(CmigDiffLine, line, cmig_drift_repair(&abandon->drift))
	{
		if (!is_own(abandon, line))
			abandon->others = line->upgrade != NULL ? lappend(abandon->others, line) :
				abandon->others;
		else if (line->upgrade == NULL)
			cmig_listing_add_format(&unsupported, "%s %s: %s", line->kind, line->object,
									line->hazard);
		else if (strcmp(line->upgrade, CMIG_NO_STATEMENT) != 0)
		{
			own = lappend(own, line);
			if (line->size != NULL && is_data_loss(line))
				cmig_listing_add_format(&abandon->losses, "%s %s (%s)", line->kind, line->object,
										line->size);
			if (strcmp(line->action, "create") == 0 && cmig_object_has_data(line->subject))
				cmig_listing_add_format(&abandon->empty, "%s %s", line->kind, line->object);
		}
	}
	if (unsupported.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be reverted", abandon->what),
				 errdetail("%s", cmig_listing_text(&unsupported)),
				 cmig_hint("Revert these changes by hand, and repeat the `CALL`.")));
	abandon->parts = make_parts(own);
}

/* Tell what is not reverted. */
static void
tell(Abandon *abandon)
{
	List	   *others = cmig_diff_line_objects(abandon->others);
	CmigListing listing;

	cmig_drift_tell_left_out(&abandon->drift);
	if (abandon->row_changers.count > 0)
		ereport(NOTICE,
				(errmsg("changes of rows are not reverted"),
				 errdetail("%s %s of %s may have changed rows.",
						   abandon->row_changers.count == 1 ? "Statement" : "Statements",
						   cmig_listing_text(&abandon->row_changers), abandon->what),
				 cmig_hint("`SELECT * FROM cmig.show(%s)`",
						   quote_literal_cstr(abandon->revision))));
	if (abandon->empty.count > 0)
		ereport(NOTICE,
				(errmsg("what %s has dropped comes back without its data: %s", abandon->what,
						cmig_listing_text(&abandon->empty))));
	if (abandon->done_only)
		ereport(NOTICE,
				(errmsg("what statement %d of %s did before it failed is not known",
						((CmigProgressRow *) llast(abandon->rows))->statement, abandon->what),
				 errdetail("It cannot be replayed.")));
	if (abandon->unseen.count > 0)
		ereport(NOTICE,
				(errmsg("changes outside of the schemas are not reverted: %s",
						cmig_listing_text(&abandon->unseen))));
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigDiffLine, other, others)
		cmig_listing_add_format(&listing, "%s %s", other->kind,
								other->object);
	if (others != NIL)
		ereport(NOTICE,
				(errmsg("differences that %s is not known to have made are left unchanged: %s",
						abandon->what, cmig_listing_text(&listing)),
				 cmig_hint("`SELECT * FROM cmig.drift()`")));
}

/* The CALL that reverts the step. */
static char *
confirmed_call(const Abandon *abandon)
{
	return psprintf("`CALL cmig.abandon_partial(%s, confirm => %s)`",
					quote_literal_cstr(abandon->revision),
					quote_literal_cstr(psprintf("%s%s", abandon->revision,
												abandon->losses.count > 0 ? LOSING_DATA : "")));
}

/* List the statements for the user. */
static void
show(const Abandon *abandon)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(Part, part, abandon->parts)
		appendStringInfoString(&text, part->shown);
	if (text.len > 0)
		text.data[text.len - 1] = '\0';
	ereport(INFO,
			(abandon->parts == NIL ?
			 errmsg("the schema does not differ, so no statement is necessary to revert %s",
					abandon->what) :
			 errmsg_plural("%s would be reverted by %d statement",
						   "%s would be reverted by %d statements",
						   list_length(abandon->parts), abandon->what, list_length(abandon->parts)),
			 abandon->parts == NIL ? 0 : errdetail("The statements, in this order:\n%s", text.data),
			 cmig_hint("%s", confirmed_call(abandon))));
}

/* Raise an error unless "confirm" allows what the statements do. */
static void
require_confirmed(const Abandon *abandon, const char *confirm)
{
	bool		losing = strcmp(confirm, psprintf("%s" LOSING_DATA, abandon->revision)) == 0;

	if (!losing && strcmp(confirm, abandon->revision) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("abandon_partial must be confirmed with the id of the revision"),
				 cmig_hint("%s", confirmed_call(abandon))));
	if (abandon->losses.count == 0)
		return;
	if (cmig_settings_protect() == CMIG_PROTECT_ON)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PROTECTED),
				 errmsg("reverting %s is not allowed in %s", abandon->what, cmig_scope_text()),
				 errdetail("cmig.protect is %s; it drops %s.", cmig_settings_protect_name(false),
						   cmig_listing_text(unconstify(CmigListing *, &abandon->losses))),
				 cmig_hint("%s", cmig_settings_unprotect_hint(true))));
	if (!losing)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reverting %s would lose data", abandon->what),
				 errdetail("It drops %s.",
						   cmig_listing_text(unconstify(CmigListing *, &abandon->losses))),
				 cmig_hint("If the data is not needed: %s", confirmed_call(abandon))));
}

/* Error context callback */
static void
describe_error(void *arg)
{
	const Abandon *abandon = arg;

	cmig_lock_wait_explain();
	if (abandon->part != NULL)
		errcontext("SQL statement \"%s\"", abandon->part->sql);
	errcontext("pg_cmig: reverting %s", abandon->what);
}

/*
 * Raise an error if the constraint calls a function of another role that its text does
 * not show, because the applied revisions have created it with such an operator.
 */
static void
require_shown(const Part *part)
{
	Oid			hidden = cmig_expression_hidden(cmig_added_condition(part->constraint), GetUserId());
	bool		of_domain = IsA(cmig_raw_parse_one(part->sql)->stmt, AlterDomainStmt);

	if (OidIsValid(hidden))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("constraint \"%s\" calls function %s of another role",
						get_constraint_name(part->constraint), format_procedure(hidden)),
				 errdetail("The text of the constraint does not show that, but \"%s\" would call the function.",
						   part->sql),
				 cmig_hint("Connect as \"%s\": %s; then repeat the `CALL`.",
						   GetUserNameFromId(cmig_role_owner_in(of_domain ? TypeRelationId : RelationRelationId,
																part->object), false), part->sql)));
}

/*
 * Find the constraints that statements validate, which exist.  The owner of a table
 * can replace one at any time, and its condition is then evaluated with the caller's
 * privileges.  So what has their OIDs is looked at again, and nothing else runs.
 */
static void
bind_constraints(Abandon *abandon, const char *name)
{
	List	   *parts = abandon->parts;
	bool		any = false;
	ListCell   *old;
	ListCell   *new;

	foreach_ptr(Part, each, parts)
	{
		each->constraint = cmig_added_validated(cmig_raw_parse_one(each->sql)->stmt, &each->object);
		any |= OidIsValid(each->constraint);
	}
	if (!any)
		return;
	cmig_toplevel_commit();
	cmig_toplevel_snapshot();
	look(abandon, name);
	if (list_length(parts) != list_length(abandon->parts))
		cmig_query_raise_changed("Other statements would revert the revision now.");
	forboth(old, parts, new, abandon->parts)
	{
		const Part *before = lfirst(old);
		Part	   *now = lfirst(new);

		if (!equal(cmig_raw_parse_one(before->sql)->stmt, cmig_raw_parse_one(now->sql)->stmt))
			cmig_query_raise_changed("Other statements would revert the revision now.");
		now->object = before->object;
		now->constraint = before->constraint;
		if (OidIsValid(now->constraint))
			require_shown(now);
	}
}

/*
 * Attempt callback: run a statement.  What it creates, a later one may validate: whoever
 * replaces that after the commit is noticed.
 */
static void
run_part(void *arg)
{
	const Abandon *abandon = arg;
	const Part *part = abandon->part;
	RawStmt    *raw = cmig_raw_parse_one(part->sql);

	if (OidIsValid(part->constraint))
		cmig_added_require(raw->stmt, part->object, part->constraint);
	cmig_toplevel_execute(raw, part->sql);
	if (abandon->part->concurrent)
		return;
	cmig_toplevel_snapshot();
	CommandCounterIncrement();
	foreach_ptr(Part, later, abandon->parts)
	{
		Oid			now = InvalidOid;
		Oid			object;
		HeapTuple	row = NULL;

		if (OidIsValid(later->constraint))
			now = cmig_added_validated(cmig_raw_parse_one(later->sql)->stmt, &object);
		if (OidIsValid(now) && object == later->object)
			row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(now));
		if (!HeapTupleIsValid(row))
			continue;
		if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data)))
			later->constraint = now;
		ReleaseSysCache(row);
	}
}

/* Run the statements as a stepwise run does, and commit each of them. */
static void
run_parts(Abandon *abandon)
{
	ErrorContextCallback callback = {error_context_stack, describe_error, abandon};

	error_context_stack = &callback;
	cmig_lock_wait_watch(GetUserId());
	cmig_toplevel_snapshot();
	cmig_session_enter(true);
	cmig_toplevel_commit();
	foreach_ptr(Part, each, abandon->parts)
	{
		abandon->part = each;
		cmig_runner_restart_timeout();
		if (abandon->part->concurrent)
			cmig_toplevel_warn_of_snapshots(abandon->part->sql);
		cmig_toplevel_commit();
		cmig_toplevel_attempt(run_part, NULL, abandon, "abandon_partial");
		cmig_run_lock_keep();
	}
	abandon->part = NULL;
	cmig_toplevel_leave(NULL);
	cmig_lock_wait_unwatch();
	error_context_stack = callback.previous;
}

/* The step is reverted: delete its progress, and write a journal row. */
static void
finish(const Abandon *abandon)
{
	CmigJournalEntry entry = {.revision = abandon->revision,.direction = "stamp",.outcome = "done"};
	const char *direction = cmig_direction_name(abandon->direction);

	foreach_ptr(CmigProgressRow, row, abandon->rows)
	{
		CmigBackfillIdentity backfill = {.revision = abandon->revision,.direction = direction};

		backfill.statement = row->statement;
		cmig_backfill_run_replace(&backfill);
	}
	cmig_progress_clear(abandon->revision, abandon->direction, 0);
	cmig_backfill_run_settle(abandon->revision, direction);
	cmig_journal_interrupted();
	entry.started_at = entry.finished_at = GetCurrentTimestamp();
	entry.message = psprintf("its partial %s was reverted", direction);
	cmig_journal_write(&entry);
}

/* The whole work of a confirmed call, with the run lock. */
static void
revert(Abandon *abandon, const char *name, const char *confirm)
{
	int			count;

	cmig_toplevel_snapshot();
	cmig_active_settle();
	look(abandon, name);
	require_confirmed(abandon, confirm);
	tell(abandon);
	bind_constraints(abandon, name);
	count = list_length(abandon->parts);
	if (count > 0)
	{
		cmig_progress_abandon(abandon->revision, abandon->direction);
		cmig_toplevel_commit();
		run_parts(abandon);
		cmig_toplevel_snapshot();
		look(abandon, name);
		if (abandon->parts != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s is not completely reverted", abandon->what),
					 errdetail("After %d statements, the schema still differs from what the applied revisions create.", count),
					 cmig_hint("`CALL cmig.abandon_partial(%s)` lists what remains.",
							   quote_literal_cstr(abandon->revision))));
	}
	finish(abandon);
	ereport(NOTICE,
			(errmsg_plural("%s was reverted by %d statement", "%s was reverted by %d statements",
						   count, abandon->what, count)));
	cmig_toplevel_commit();
}

Datum
cmig_abandon_partial(PG_FUNCTION_ARGS)
{
	static const char *const procedure = "cmig.abandon_partial";
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	Abandon    *abandon;
	char	   *name;
	char	   *confirm;

	cmig_argument_require(fcinfo, 0, "the revision", "`CALL cmig.abandon_partial('<revision>')`");
	cmig_scope_refuse("cmig.abandon_partial()",
					  "In a scope, revert the statements that have run by hand, then `SELECT cmig.stamp('<current revision>')`");
	if (PG_ARGISNULL(1))
	{
		abandon = palloc0(sizeof(Abandon));
		cmig_change_begin(procedure);
		look(abandon, cmig_argument_text(fcinfo, 0));
		tell(abandon);
		show(abandon);
		return (Datum) 0;
	}
	cmig_running_require_idle(procedure);
	cmig_toplevel_require(fcinfo, procedure);
	cmig_session_require_member();
	context = cmig_toplevel_context("pg_cmig abandon");
	MemoryContextSwitchTo(context);
	abandon = palloc0(sizeof(Abandon));
	name = cmig_argument_text(fcinfo, 0);
	confirm = cmig_argument_text(fcinfo, 1);

	/* fail beside another stepwise run, which may finish the revision */
	cmig_change_begin(procedure);
	cmig_toplevel_commit();
	PG_TRY();
	{
		cmig_run_lock_session(procedure);
		cmig_extension_hold();
		cmig_run_limit_start();
		revert(abandon, name, confirm);
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(context);

		cmig_toplevel_rollback();
		cmig_toplevel_after_error(cmig_toplevel_leave, NULL);
		if (abandon->part != NULL)
			error->hint = cmig_hint_text(psprintf("The statements before it are committed. After fixing the cause, repeat the `CALL`: it continues with this statement.%s%s",
												  error->hint ? " " : "",
												  error->hint ? error->hint : ""));
		cmig_lock_wait_unwatch();
		cmig_extension_release();
		cmig_run_lock_release();
		ReThrowError(error);
	}
	PG_END_TRY();
	cmig_extension_release();
	cmig_run_lock_release();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
