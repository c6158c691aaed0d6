/*
 * diff.c
 *	  cmig.diff and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "schema/internal.h"

/* The value of cmig.diff_time_zone. */
static char *diff_time_zone;

/* GUC check hook */
static bool
check_time_zone(char **newval, void **extra, GucSource source)
{
	if (**newval == '\0' || pg_tzset(*newval) != NULL)
		return true;
	GUC_check_errdetail("Time zone \"%s\" does not exist.", *newval);
	return false;
}

char *
cmig_diff_time_zone(void)
{
	return pstrdup(diff_time_zone);
}

void
cmig_diff_init(void)
{
	DefineCustomStringVariable(cmig_settings_name("cmig.diff_time_zone"),
							   "Sets the time zone of the values without one that a schema diff converts.",
							   NULL, &diff_time_zone, "", PGC_USERSET, 0, check_time_zone, NULL,
							   NULL);
}

/*
 * Returns the names in an array.  For errors, "what" says what the array
 * contains, and "hint" shows a correct argument.
 */
static CmigNames *
names_argument(ArrayType *array, const char *what, const char *hint)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one-dimensional", what),
				 errhint("%s", hint)));
	return cmig_argument_names(array, what, hint);
}

CmigManaged *
cmig_diff_schemas_argument(FunctionCallInfo fcinfo, int n)
{
	CmigNames  *names = NULL;
	bool		is_text = get_fn_expr_argtype(fcinfo->flinfo, n) == TEXTOID;
	char	   *text = is_text ? cmig_argument_text(fcinfo, n) : NULL;

	/* text is one schema, or several if it is an array literal */
	if (text != NULL && text[0] != '{')
		names = cmig_argument_one(text);
	else if (!PG_ARGISNULL(n))
		names = names_argument(is_text ?
							   DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, text, TEXTOID,
																	   -1)) :
							   PG_GETARG_ARRAYTYPE_P(n), "the list of schemas",
							   "Use ARRAY['<schema>', ...].");
	if (names != NULL && names->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of schemas is empty"),
				 errhint("Leave the argument out to compare all schemas.")));
	return cmig_managed_schemas(names);
}

void
cmig_diff_annotations(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options)
{
	options->owners = cmig_argument_bool(fcinfo, n, false);
	options->privileges = cmig_argument_bool(fcinfo, n + 1, true);
	options->comments = cmig_argument_bool(fcinfo, n + 2, true);
	options->role = GetUserNameFromId(GetUserId(), false);
	options->time_zone = cmig_diff_time_zone();
}

List *
cmig_diff_renames(FunctionCallInfo fcinfo, int n)
{
	const CmigNames *texts;
	List	   *renames = NIL;

	if (PG_ARGISNULL(n))
		return NIL;
	texts = names_argument(PG_GETARG_ARRAYTYPE_P(n), "the list of renames",
						   "Use ARRAY['table public.a -> b', ...].");
	for (int i = 0; i < texts->count; i++)
		renames = lappend(renames, texts->names[i]);
	return renames;
}

void
cmig_diff_arguments(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options)
{
	const char *compare = cmig_argument_text(fcinfo, n);

	options->models = compare != NULL && strcmp(compare, "models") == 0;
	if (compare != NULL && !options->models && strcmp(compare, "all") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for compare: \"%s\"", compare),
				 errhint("Use 'all' or 'models'.")));
	cmig_diff_annotations(fcinfo, n + 1, options);
	/* ignore privileges, which ORMs do not define */
	if (options->models)
		options->privileges = false;
	options->renames = cmig_diff_renames(fcinfo, n + 4);
	options->concurrently = cmig_argument_bool(fcinfo, n + 5, false);
}

void
cmig_diff_exclude_argument(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options)
{
	if (PG_ARGISNULL(n))
		return;
	options->exclude = cmig_patterns_read(names_argument(PG_GETARG_ARRAYTYPE_P(n),
														 "the list of patterns",
														 "Use exclude => ARRAY['<schema>.<name>', ...]."));
	cmig_exclude_check(options->exclude);
}

/* Returns the statement's node, or NULL if there are several statements. */
static const Node *
single_statement(const char *sql)
{
	List	   *raw = cmig_raw_parse(sql, RAW_PARSE_DEFAULT);

	return list_length(raw) == 1 ? linitial_node(RawStmt, raw)->stmt : NULL;
}

/*
 * Returns the actions of a single ALTER TABLE statement for the table, without
 * ONLY, which another one can contain, or NULL if it is not such a statement.
 */
static const char *
actions_of(const char *sql, const char *table)
{
	const AlterTableStmt *alter = (const AlterTableStmt *) single_statement(sql);

	return alter && IsA(alter, AlterTableStmt) && alter->objtype == OBJECT_TABLE &&
		alter->relation->inh ? sql + alter->relation->location + strlen(table) + 1 : NULL;
}

/*
 * Can both statements of the row be actions of another one that alters its
 * table?  Citus rejects many such statements for distributed tables.
 */
static bool
is_joinable(const CmigDiffLine *row, CmigObject *root)
{
	return row->ddl != NULL && row->hazard == NULL && row->staged == NULL && !row->stepwise &&
		!row->again && row->live != NULL && row->downgrade != NULL &&
		cmig_object_child(root, &cmig_kind_distribution, NULL) == NULL &&
		(row->subject->kind == &cmig_kind_column ||
		 (row->subject == root && ((row->ddl->hazards & CMIG_HAZARD_REWRITE) ||
								   row->ddl->part == CMIG_TABLE_OPTIONS ||
								   row->ddl->part == CMIG_TABLE_TOAST_OPTIONS))) &&
		actions_of(row->upgrade, root->identity) != NULL &&
		actions_of(row->downgrade, root->identity) != NULL;
}

/* Does the line only change a column, after or without creating it? */
static bool
alters_column(const CmigDiffLine *line)
{
	return strcmp(line->kind, "column") == 0 && strcmp(line->action, "alter") == 0;
}

/*
 * Must the object be created or altered after the line's statement?  This is
 * the case if it depends on the line's object, or if it is a column with a new
 * sequence: the sequence would be logged, or not, as the table was before a
 * statement that also changes this.
 */
static bool
depends_on(const CmigObject *object, const CmigDiffLine *line)
{
	if (strcmp(line->kind, "table") == 0 &&
		(object->serial != NULL || cmig_object_index(object) != NULL))
		return true;
	for (int i = 0; i < object->ndepends; i++)
		if (strcmp(object->depends[i]->identity, line->object) == 0)
			return true;
	return false;
}

/*
 * If the last line and a line before it rewrite the same table, in the upgrade
 * or in the downgrade, make all of it with the first one's statement.  The
 * lines between them may change columns of the table, which does not affect
 * the conversion of others, and create columns, which are then created by that
 * statement, too, so that their order stays.  "object" is the last line's
 * object.
 */
static void
join_rewrites(List *lines, const CmigObject *object)
{
	const CmigDiffLine *last = llast(lines);
	int			first = -1;

	if (!last->joinable || ((last->hazards | last->undo_hazards) & CMIG_HAZARD_REWRITE) == 0)
		return;
	for (int i = list_length(lines) - 2; i >= 0 && first < 0; i--)
	{
		const CmigDiffLine *line = list_nth(lines, i);

		/* one statement cannot change the type of a column twice */
		if (strcmp(line->group, last->group) != 0 || line->transaction != last->transaction ||
			strcmp(line->object, last->object) == 0 || depends_on(object, line))
			return;
		if (line->joinable && !line->within &&
			((line->hazards & last->hazards) |
			 (line->undo_hazards & last->undo_hazards)) & CMIG_HAZARD_REWRITE)
			first = i;
		else if (!line->joinable && !alters_column(line))
			return;
	}
	for (int i = first + 1; first >= 0 && i < list_length(lines); i++)
	{
		CmigDiffLine *whole = list_nth(lines, first);
		CmigDiffLine *line = list_nth(lines, i);

		if (line != last && (!line->joinable || line->within || alters_column(line)))
			continue;
		/* make the change of "line" with the statements of "whole" */
		whole->upgrade = psprintf("%s, %s", whole->upgrade,
								  actions_of(line->upgrade, whole->table));
		whole->downgrade = psprintf("%s, %s", whole->downgrade,
									actions_of(line->downgrade, whole->table));
		cmig_hazard_move(whole, line);
		line->upgrade = line->downgrade = CMIG_NO_STATEMENT;
		whole->has_others = line->within = true;
	}
}

void
cmig_diff_line_add(const CmigDiffLine *row, List **lines)
{
	CmigObject *root = row->subject ? cmig_object_root(unconstify(CmigObject *, row->subject)) :
	NULL;
	CmigDiffLine *line = palloc(sizeof(CmigDiffLine));

	*line = *row;
	line->table = root ? pstrdup(root->identity) : NULL;
	cmig_hazard_set(line);
	line->group = root ? psprintf("%s %s", root->kind->name, root->identity) : "";
	line->joinable = is_joinable(row, root);
	line->staged = line->size ? row->staged : NULL;
	line->staged_undo = line->size ? row->staged_undo : NULL;
	line->stepwise |= row->staged_stepwise && (line->staged || line->staged_undo);
	line->grants = row->ddl != NULL && row->ddl->part == CMIG_PART_GRANT;
	line->ddl = NULL;
	*lines = lappend(*lines, line);
	join_rewrites(*lines, row->subject);
}

void
cmig_diff_lines(CmigDifference *difference, List **lines)
{
	foreach_ptr(CmigDiffLine, line, cmig_deparse(difference))
		cmig_diff_line_add(line, lines);
}

List *
cmig_diff_line_objects(const List *lines)
{
	List	   *result = NIL;

	foreach_ptr(CmigDiffLine, line, lines)
	{
		if (!line->incidental)
			result = lappend(result, line);
	}
	return result != NIL ? result : list_copy(lines);
}

const char *
cmig_diff_line_action(const CmigDiffLine *line)
{
	return line->again ? "alter" : line->action;
}

void
cmig_diff_line_add_unsupported(List **lines, const char *kind, const char *object,
							   const char *reason)
{
	CmigDiffLine row = {"unsupported", kind, object, NULL, NULL, reason};

	cmig_diff_line_add(&row, lines);
}

/* The rows being returned. */
typedef struct CmigPut
{
	ReturnSetInfo *result;
	int32		step;			/* number of the last row */
	int32		whole;			/* number of the last row that has others */
} CmigPut;

/*
 * Returns the statements of generated SQL, a List of char *, without
 * semicolons.
 */
static List *
statements_of(const char *sql)
{
	return sql == NULL ? NIL : cmig_section_statements(sql, false);
}

/* Put one row into the result. */
static void
put_row(CmigPut *put, const CmigDiffLine *line, const char *action, const char *upgrade,
		const char *downgrade, const char *hazard, const char *change)
{
	const char *texts[] = {
		psprintf("%d", ++put->step), action, line->kind, line->object, upgrade, downgrade, hazard,
		change
	};

	cmig_result_add_strings(put->result, lengthof(texts), texts);
}

/*
 * Returns a statement that does nothing, for a row whose change is made or
 * reverted with another row's statement.  An empty string, or NULL, would be an
 * error in many programs that run the statements of all rows.
 */
static char *
no_statement(const char *done, int32 step)
{
	return psprintf("DO $$BEGIN /* %s with step %d */ END$$", done, step);
}

/*
 * Put the rows of lines that must run in one transaction.  The first row has
 * the statements of all lines, as a single statement.  There is a row for each
 * object that differs.
 */
static void
put_together(CmigPut *put, List *lines)
{
	List	   *objects = cmig_diff_line_objects(lines);
	int32		first = put->step + 1;
	List	   *reversed = NIL;
	char	   *upgrade = cmig_section_block(lines, true, true),
			   *downgrade;
	StringInfoData hazards;

	initStringInfo(&hazards);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		reversed = line->downgrade ? lcons(line, reversed) : reversed;
		if (line->hazard != NULL)
			appendStringInfo(&hazards, "%s%s", hazards.len > 0 ? "; " : "", line->hazard);
	}
	downgrade = list_length(reversed) == list_length(lines) ?
		cmig_section_block(reversed, false, true) : NULL;
	foreach_ptr(const CmigDiffLine, line, objects)
	{
		bool		whole = put->step + 1 == first;

		put_row(put, line, cmig_diff_line_action(line),
				whole ? upgrade : no_statement("changed", first),
				whole || downgrade == NULL ? downgrade : no_statement("reverted", first), whole &&
				hazards.len > 0 ? hazards.data : NULL, line->change);
	}
}

void
cmig_diff_put(FunctionCallInfo fcinfo, const List *lines)
{
	CmigPut		put = {(ReturnSetInfo *) fcinfo->resultinfo};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < list_length(lines);)
	{
		CmigDiffLine *line = list_nth(lines, i);
		List	   *together = cmig_section_next(lines, i);

		i += list_length(together);
		if (list_length(together) > 1 ||
			(line->transaction != 0 && line->downgrade && !single_statement(line->downgrade)))
			put_together(&put, together);
		else
		{
			List	   *upgrades = statements_of(line->upgrade);
			int			rows = list_length(upgrades);
			List	   *downgrades = rows > 1 ? statements_of(line->downgrade) : NIL;
			int			whole = rows > 2 && IsA(single_statement(linitial(upgrades)), VariableSetStmt);
			int32		whole_step = put.step + whole + 1;

			/*
			 * Put the rows of a line into the result.  The first row has the
			 * line's action and hazard.  If the upgrade and the downgrade
			 * have the same number of statements, each row has one statement
			 * of each, and the statements of the downgrade are in reverse
			 * order.  Otherwise, one row has the whole downgrade: the first
			 * row or, if the upgrade begins with a setting, the row after it.
			 */
			if (line->has_others)
				put.whole = put.step + 1;
			if (line->within)
				put_row(&put, line, line->action, no_statement("changed", put.whole),
						no_statement("reverted", put.whole), NULL, line->change);
			else if (rows <= 1)
				put_row(&put, line, line->action, line->upgrade, line->downgrade, line->hazard,
						line->change);
			for (int j = 0; j < rows && rows > 1; j++)
			{
				const char *downgrade = list_length(downgrades) == rows ?
				list_nth(downgrades, rows - 1 - j) :
				j == whole || line->downgrade == NULL ? line->downgrade :
				no_statement("reverted", whole_step);

				put_row(&put, line, j == 0 ? line->action : "alter", list_nth(upgrades, j),
						downgrade,
						j == 0 ? line->hazard : NULL, j == 0 ? line->change : NULL);
			}
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* ----------------------------------------------------------------
 * Compares the live schema with the one that a script creates.
 *
 * The live image is read first.  The target image is read in the shadow, after
 * the target's SQL has run there.
 * ----------------------------------------------------------------
 */

/* A comparison of the managed schemas with a target. */
typedef struct DiffRun
{
	const CmigManaged *managed;
	const char *target_sql;
	CmigDiffOptions options;
	const char *function;
	const CmigImage *live;		/* image of the database; NULL if the target
								 * is compared with the schema that the
								 * revisions create */
	const CmigTarget *target;
	CmigImage  *image;			/* the target image */
	bool		distributes;	/* true if the target calls functions that
								 * distribute tables */
	List	   *lacking;		/* objects that need what the database lacks */
	const CmigTarget *replayed; /* NULL, or the result of replaying the
								 * revisions, with notes about the parts that
								 * could not be run */
	List	   *lines;
} DiffRun;

void
cmig_diff_check_schemas(const CmigManaged *managed, const CmigImage *from, const CmigImage *to,
						int level, const char *where)
{
	for (int i = 0; i < managed->count && !managed->all; i++)
	{
		const char *name = managed->schemas[i].name;

		if (cmig_image_lookup(from, &cmig_kind_schema, quote_identifier(name)) == NULL &&
			cmig_image_lookup(to, &cmig_kind_schema, quote_identifier(name)) == NULL)
			ereport(level,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" exists neither %s", name, where)));
	}
}

/*
 * Where the image names a live schema, such as that of the type of a column of a
 * table that is not compared, give the schema the name that it has outside the shadow.
 */
static void
name_live_schemas(const CmigShadow *shadow, const CmigImage *image)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		for (int j = 0; j < object->kind->nproperties; j++)
		{
			/* most values name none, however many schemas there are */
			if (object->values[j] == NULL ||
				cmig_text_after(object->values[j], CMIG_AWAY_PREFIX) == NULL)
				continue;
			for (int k = 0; k < shadow->count; k++)
			{
				const char *away = get_namespace_name(shadow->schemas[k].live);

				if (away != NULL)
					cmig_object_set(object, j,
									cmig_text_replace(object->values[j], psprintf("%s.", away),
													  psprintf("%s.", cmig_quote(shadow->schemas[k].name))));
			}
		}
	}
}

/*
 * A CmigShadowTask: run the target's SQL in the shadow, and read the target
 * image.
 */
static void
read_target(CmigShadow *shadow, void *arg)
{
	DiffRun    *run = arg;

	run->target = cmig_target_run(shadow, run->target_sql, run->options.scripts);
	run->image = cmig_image_read(cmig_shadow_schemas(shadow));
	run->distributes = cmig_distribution_record_any();
	run->lacking = cmig_lacking_read(shadow);
	name_live_schemas(shadow, run->image);
	cmig_body_check(run->image, run->live);
}

/* Does the target have a note about the same object as "note"? */
static bool
has_note(const CmigTarget *target, const CmigTargetNote *note)
{
	foreach_ptr(const CmigTargetNote, other, target ? target->notes : NIL)
	{
		if (strcmp(other->kind, note->kind) == 0 && strcmp(other->object, note->object) == 0)
			return true;
	}
	return false;
}

/*
 * If all schemas are compared, report the other roles' schemas that the target
 * names: in rows if need_schemas is set, and otherwise in a NOTICE.
 */
static void
add_other_schemas(DiffRun *run)
{
	CmigListing names;

	if (!run->managed->all)
		return;
	cmig_listing_init(&names, CMIG_LISTING_PLAIN);
	foreach_ptr(char, name, run->target->elsewhere)
	{
		if (run->options.need_schemas)
			cmig_diff_line_add_unsupported(&run->lines, "schema", quote_identifier(name),
										   "it belongs to another role, so it is not compared");
		else
			cmig_listing_add(&names, quote_identifier(name));
	}
	if (names.count > 0)
		ereport(NOTICE,
				(errmsg("schemas of other roles are not compared: %s", cmig_listing_text(&names)),
				 errhint("Call the function as a role that owns them.")));
}

static bool
has_objects(const CmigImage *image)
{
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind != &cmig_kind_schema)
			return true;
	return false;
}

/* Issue a NOTICE about an empty target, which is usually a mistake. */
static void
tell_empty(const DiffRun *run, const CmigImage *from)
{
	if (has_objects(from) && !has_objects(run->image))
		ereport(NOTICE,
				(errmsg("the target creates nothing"),
				 errdetail("The statements drop all objects in the schemas that are compared.")));
}

void
cmig_diff_lines_add_labels(const CmigManaged *managed, List **lines)
{
	/* only the label's provider knows what a label means */
	static CmigQuery labels = {
		.sql = "SELECT format('%s for %s %s', l.provider, i.type, i.identity),"
		" 'security labels are not compared, and go with what is dropped'"
		" || CASE WHEN label ~ E'[\\n\\r]' THEN '' ELSE ': ' || " CMIG_LABEL_STATEMENT("i.identity") " END"
		" FROM pg_seclabel l"
		" CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i"
		" WHERE $1 IS NULL OR coalesce(i.schema, i.name) IN (SELECT quote_ident(n) FROM unnest($1) n)"
		" ORDER BY 1",
		.argtypes = {TEXTARRAYOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&labels, cmig_managed_names(managed)))
		cmig_diff_line_add_unsupported(lines, "security label", row[0], row[1]);
}

/* Compare an image with the target image, and return the rows. */
static List *
compare(DiffRun *run, CmigImage *from)
{
	List	   *notes;
	CmigDifference *difference;
	CmigDiffCopies copies = {from, run->image};
	List	   *lines = NIL;
	static CmigQuery subscriptions = {
		.sql = "SELECT quote_ident(s.subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
		" WHERE d.datname = current_database() ORDER BY s.subname"
	};

	notes = cmig_others_settle(from, run->image, run->target->notes, &run->options);
	difference = cmig_outside_compare(from, run->image, &run->options, run->live != NULL);
	if (run->live != NULL)
		cmig_body_check_changed(difference);
	cmig_extension_check_updates(difference);
	if (!run->options.settled)
		cmig_rename_tell(difference);
	cmig_column_order_tell(difference);
	cmig_others_tell(difference);
	if (run->options.stages)
		lines = cmig_stages_lines(run->managed, run->function, difference, &copies,
								  run->live != NULL, run->lines);
	else
	{
		cmig_diff_lines(difference, &lines);
		lines = cmig_rehearsal_prove(run->managed, run->function, &copies, difference, run->lines,
									 lines);
	}
	run->lines = list_concat(run->lines, lines);

	/*
	 * add rows for the parts of the target's SQL that could not be run,
	 * unless the revisions contain them, too
	 */
	foreach_ptr(const CmigTargetNote, note, notes)
	{
		if (!has_note(run->replayed, note))
			cmig_diff_line_add_unsupported(&run->lines, note->kind, note->object, note->reason);
	}
	if (run->managed->all && run->replayed == NULL)
	{
		/* subscriptions also involve other servers */
		foreach_ptr(CmigValue, row, cmig_query_list(&subscriptions))
		{
			CmigTargetNote note = {.kind = "subscription",.object = *row};

			if (!has_note(run->target, &note))
				cmig_diff_line_add_unsupported(&run->lines, note.kind, note.object,
											   "it is not in the target; subscriptions are not compared");
		}
	}
	/* that there are labels is no difference */
	if (run->replayed == NULL && run->lines != NIL)
		cmig_diff_lines_add_labels(run->managed, &run->lines);
	add_other_schemas(run);
	return cmig_exclude_rows(run->options.exclude, run->lines, from, run->image);
}

List *
cmig_diff_run(const CmigManaged *managed, const char *target_sql,
			  const CmigDiffOptions *options, const char *function)
{
	DiffRun		run = {managed, target_sql, *options, function};
	CmigImage  *from = cmig_image_read(managed);

	run.live = from;
	run.options.initial = cmig_initial_grants_read();
	cmig_shadow_run(managed, function, read_target, &run);
	cmig_diff_check_schemas(managed, from, run.image, options->need_schemas ? ERROR : WARNING,
							"in the database nor in the target");
	from = cmig_rename_read(managed, from, run.image, options->renames, run.target->renames,
							false, false, &run.lines);
	cmig_exclude(run.options.exclude, from, run.image);
	tell_empty(&run, from);
	cmig_others_mark(from);
	cmig_lacking_mark(from, run.image, run.lacking);
	cmig_extension_keep(from, run.image);
	if (!run.distributes)
		cmig_keep_distribution(from, run.image);
	cmig_tool_table_keep(from, run.image);
	cmig_keep_places(from, run.image);
	cmig_keep_partitions(from, run.image, "The target creates");
	return compare(&run, from);
}

/*
 * A CmigReplayFinish: apply the renames to the image of the schema that the
 * revisions create.
 */
static CmigImage *
rename_replayed(const CmigManaged *managed, CmigImage *image, void *arg)
{
	DiffRun    *run = arg;

	if (run->options.renames_replayed != NULL)
		run->options.renames = *run->options.renames_replayed;
	cmig_diff_check_schemas(run->managed, image, run->image,
							run->options.need_schemas ? ERROR : WARNING,
							run->target_sql ? "in the revisions nor in the target" :
							"before nor after the revisions in the range");
	return cmig_rename_read(managed, image, run->image, run->options.renames,
							run->target->renames, true, run->options.renames_replayed != NULL,
							&run->lines);
}

/* Schemas that the revisions need, but do not create, also exist without the revisions. */
static void
keep_given(const CmigReplayed *replayed, CmigImage *other)
{
	bool	   *wanted = palloc0(sizeof(bool) * Max(replayed->image->count, 1));

	for (int i = 0; i < replayed->given.count; i++)
		wanted[cmig_image_lookup(replayed->image, &cmig_kind_schema,
								 quote_identifier(replayed->given.names[i]))->index] = true;
	cmig_keep(replayed->image, other, wanted);
}

/*
 * Replay the revisions, and compare what they create with the target or, if
 * with_target is false, with what other revisions create.
 */
static List *
compare_replayed(DiffRun *run, const CmigReplayPlan *plan, bool with_target)
{
	const CmigNames *given = plan->given;
	CmigReplayed *replayed = cmig_replay_read(plan, cmig_managed_names(run->managed), with_target,
											  run->function, false, rename_replayed, run);

	/*
	 * in a shadow, they have the live privileges, which the revisions can
	 * have granted
	 */
	for (int i = 0; given != NULL && i < given->count; i++)
	{
		CmigObject *schema = cmig_image_lookup(replayed->image, &cmig_kind_schema,
											   quote_identifier(given->names[i]));

		if (schema == NULL || cmig_names_has(&replayed->given, given->names[i]))
			continue;
		schema->grants = NIL;
		schema->comment = NULL;
	}
	if (cmig_scope_is_set())
		cmig_replayed_require_owned(replayed);
	run->options.initial = replayed->initial;
	run->replayed = replayed->target;
	cmig_exclude(run->options.exclude, replayed->image, run->image);
	tell_empty(run, replayed->image);
	if (with_target)
		cmig_keep_partitions(replayed->image, run->image, "The target creates");
	else
		keep_given(replayed, run->image);
	return compare(run, replayed->image);
}

List *
cmig_diff_run_replay(const CmigReplayPlan *plan, const CmigManaged *managed,
					 const char *target_sql, const CmigDiffOptions *options, const char *function)
{
	DiffRun		run = {managed, target_sql, *options, function};

	cmig_shadow_run(managed, function, read_target, &run);
	return compare_replayed(&run, plan, true);
}

/* The schema that the second set of revisions creates takes a target's place. */
List *
cmig_diff_run_between(const CmigReplayPlan *from, const CmigReplayPlan *to,
					  const CmigManaged *managed, const CmigDiffOptions *options,
					  const char *function)
{
	DiffRun		run = {managed, NULL, *options, function};
	CmigReplayPlan before = *from;
	CmigReplayed *replayed = cmig_replay_read(to, cmig_managed_names(managed), false, function,
											  false, NULL, NULL);

	/*
	 * a schema that the revisions need, but do not create, was there before
	 * them
	 */
	run.image = replayed->image;
	run.target = replayed->target;
	before.given = &replayed->given;
	return compare_replayed(&run, &before, false);
}

CmigDifference *
cmig_whole_difference(const CmigManaged *managed, const CmigDiffOptions *options, bool with_tools)
{
	CmigImage  *from = cmig_image_new(),
			   *to;
	CmigObject *schema;
	CmigGrant  *grant;

	cmig_managed_require_exist(managed);
	to = cmig_image_read(managed);
	if (cmig_image_lookup(to, &cmig_kind_schema, "public") != NULL)
	{
		grant = palloc0(sizeof(CmigGrant));
		grant->grantee = "PUBLIC";
		grant->privilege = "USAGE";
		grant->granted = true;
		schema = cmig_object_new(&cmig_kind_schema, "public", "public");
		schema->grants = list_make1(grant);
		schema->owner = "pg_database_owner";
		schema->comment = "standard public schema";
		cmig_image_add(from, schema);
	}
	cmig_image_finish(from);
	if (!with_tools)
		cmig_tool_table_keep(to, from);
	return cmig_compare(from, to, options);
}

/* ----------------------------------------------------------------
 * cmig.schema_sql returns the schema as SQL.
 *
 * The schema is compared with an empty database, so the statements are the
 * same as those that cmig.diff would generate.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_schema_sql);

CMIG_READER(cmig_schema_sql)
{
	CmigDiffOptions options = {.all_owners = true,.sorted = true};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 0);
	StringInfoData sql;
	List	   *lines;

	cmig_diff_annotations(fcinfo, 1, &options);
	initStringInfo(&sql);
	lines = cmig_deparse(cmig_whole_difference(managed, &options, true));
	cmig_diff_lines_add_labels(managed, &lines);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		if (sql.len > 0 && strcmp(line->action, "alter") != 0)
			appendStringInfoChar(&sql, '\n');
		if (line->upgrade == NULL)
			appendStringInfo(&sql, "-- unsupported: %s %s\n", line->kind,
							 cmig_text_one_line(pstrdup(line->object)));
		else
			appendStringInfo(&sql, "%s;\n", line->upgrade);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(sql.data, sql.len));
}

/* ----------------------------------------------------------------
 * cmig.diff and cmig.diff_schemas, which return the statements that turn
 * one schema into another.
 *
 * cmig.diff_schemas reads the other schema while it temporarily has the first
 * schema's name, so that both images use the same names.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_diff_1_2);
PG_FUNCTION_INFO_V1(cmig_diff_schemas_1_2);

/* A call of cmig.diff_schemas. */
typedef struct Diff
{
	CmigManaged *managed;		/* the schemas to read in the shadow */
	CmigImage  *image;
	CmigImage  *excluded;		/* what its image does not have, or NULL */
	CmigImage  *from;			/* the image of the first schema */
	Oid			from_schema;
	char	   *from_name;
} Diff;

CMIG_READER(cmig_diff_1_2)
{
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);

	cmig_argument_require(fcinfo, 0, "target_sql", "`SELECT * FROM cmig.diff('<target_sql>')`");
	InitMaterializedSRF(fcinfo, 0);
	cmig_diff_arguments(fcinfo, 2, &options);
	cmig_diff_exclude_argument(fcinfo, 8, &options);
	options.prove = cmig_argument_bool(fcinfo, 9, true);
	cmig_diff_put(fcinfo,
				  cmig_diff_run(managed, cmig_argument_text(fcinfo, 0), &options, "cmig.diff()"));
	return (Datum) 0;
}

/*
 * Read the other schema while it has the first schema's name, and the first
 * schema has a temporary name.  In the image, references from the other schema
 * to the first one are rewritten as references to the other schema.
 */
static void
read_renamed(CmigShadow *shadow, void *arg)
{
	Diff	   *diff = arg;
	const CmigManagedSchema *to = &diff->managed->schemas[0];
	char	   *old = get_namespace_name(diff->from_schema);
	char	   *new;
	bool	   *marked;

	diff->image = cmig_image_read(diff->managed);
	marked = palloc0(Max(diff->image->count, 1));
	for (int i = 0; diff->excluded != NULL && i < diff->image->count; i++)
		marked[i] = cmig_image_find_exactly(diff->excluded,
											diff->image->objects[i]->address) != NULL;
	(void) cmig_image_remove(diff->image, marked);
	if (diff->from_schema != to->oid)
		cmig_own_name_replace_all(diff->image, to->oid, to->name, diff->from_name);
	cmig_body_check(diff->image, diff->from);
	if (diff->from_schema == to->oid)
		return;
	old = psprintf("%s.", old);
	new = psprintf("%s.", quote_identifier(diff->from_name));
	for (int i = 0; i < diff->image->count; i++)
	{
		CmigObject *object = diff->image->objects[i];

		for (int j = 0; j < object->kind->nproperties; j++)
			cmig_object_set(object, j, cmig_normal_rename(object->values[j], old, new));
		/* of a function, the types of its arguments */
		object->identity = cmig_normal_rename(object->identity, old, new);
	}
	cmig_image_sort(diff->image);
}

/*
 * Returns the schema that an argument names, as a list of schemas to compare.
 */
static CmigManaged *
one_schema(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = cmig_argument_text(fcinfo, n);
	CmigManaged *managed;

	cmig_argument_require(fcinfo, n, argument,
						  "SELECT * FROM cmig.diff_schemas('<from_schema>', '<to_schema>')");
	managed = cmig_managed_schemas(cmig_argument_one(name));
	cmig_managed_require_exist(managed);
	return managed;
}

CMIG_READER(cmig_diff_schemas_1_2)
{
	Diff		diff = {0};
	CmigDiffOptions options = {0};
	CmigManaged *from_schema = one_schema(fcinfo, 0, "from_schema");
	CmigDifference *difference;
	CmigImage  *from;
	List	   *lines = NIL;
	const char *from_name;
	const CmigObject *old;
	CmigObject *new;

	InitMaterializedSRF(fcinfo, 0);
	cmig_diff_arguments(fcinfo, 2, &options);
	diff.managed = one_schema(fcinfo, 1, "to_schema");
	diff.from_schema = from_schema->schemas[0].oid;
	diff.from_name = from_schema->schemas[0].name;

	options.initial = cmig_initial_grants_read();
	diff.from = from = cmig_image_read(from_schema);
	/* what an expansion has created is known by name, in part */
	if (cmig_expansion_objects() != NIL)
		diff.excluded = cmig_image_read(diff.managed)->excluded;
	cmig_shadow_rename(diff.managed->schemas[0].oid, from_schema->schemas[0].name,
					   "cmig.diff_schemas()", read_renamed, &diff);
	from = cmig_rename_read(from_schema, from, diff.image, options.renames, NIL, false, false,
							&lines);
	cmig_others_mark(from);
	cmig_keep_places(from, diff.image);

	/*
	 * if one of the schemas is public, ignore differences in owner,
	 * privileges, and comment, because those of public differ from those of
	 * other new schemas
	 */
	from_name = from_schema->schemas[0].name;
	old = cmig_image_lookup(from, &cmig_kind_schema, quote_identifier(from_name));
	new = cmig_image_lookup(diff.image, &cmig_kind_schema, quote_identifier(from_name));
	if (old != NULL && new != NULL &&
		(strcmp(from_name, "public") == 0 ||
		 strcmp(diff.managed->schemas[0].name, "public") == 0))
	{
		new->owner = old->owner;
		new->grants = old->grants;
		new->comment = old->comment;
	}
	difference = cmig_outside_compare(from, diff.image, &options, true);
	cmig_body_check_changed(difference);
	cmig_rename_tell(difference);
	cmig_diff_lines(difference, &lines);
	cmig_diff_put(fcinfo, cmig_rehearsal_warn(lines));
	return (Datum) 0;
}
