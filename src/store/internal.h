/*
 * internal.h
 *	  What the modules of src/store share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STORE_INTERNAL_H
#define CMIG_STORE_INTERNAL_H

#include "postgres.h"

#include "store/store.h"

/* in journal.c */

/* While a backfill writes its row: its table.  Otherwise InvalidOid. */
extern Oid	cmig_backfill_row_table;

/* While a backfill inserts its row: the OIDs of partitions, or NULL. */
extern const char *cmig_backfill_row_parts;

/* Can the current role write the rows of all tables? */
extern bool cmig_backfill_row_any(void);

/* Returns target_id of a row of cmig.backfill_run about the table. */
extern char *cmig_backfill_row_id(Oid table);

/* in file.c */

#define CMIG_FILE_START "-- revision:"

/*
 * The line after the header with which psql stops before it runs anything, if
 * a file is passed to it by mistake.
 */
#define CMIG_FILE_GUARD "\\echo Use \"cmig upgrade\" to run this file. \\quit"

/* Header keys in the order in which they are written. */
typedef enum CmigHeaderKey
{
	CMIG_KEY_REVISION,
	CMIG_KEY_REPEATABLE,
	CMIG_KEY_DOWN_REVISION,
	CMIG_KEY_DEPENDS_ON,
	CMIG_KEY_BRANCH_LABELS,
	CMIG_KEY_REPLACES,
	CMIG_KEY_PRECONDITION,
	CMIG_KEY_PLACEHOLDERS,
	CMIG_KEY_MESSAGE,
	CMIG_KEY_TRANSACTIONAL,
	CMIG_KEY_EXPAND,
	CMIG_KEY_CREATE_DATE
} CmigHeaderKey;

#define CMIG_KEY_COUNT 12

/* The types of header values, and of their fields in CmigRevisionText. */
typedef enum CmigHeaderType
{
	CMIG_VALUE_ID,				/* char * */
	CMIG_VALUE_LINE,			/* char * */
	CMIG_VALUE_BOOL,			/* bool */
	CMIG_VALUE_EXPAND,			/* char *: NULL for false, "true", or "strict" */
	CMIG_VALUE_NAMES,			/* CmigNames */
	CMIG_VALUE_PLACEHOLDERS,	/* CmigNames */
	CMIG_VALUE_DATE				/* TimestampTz */
} CmigHeaderType;

typedef struct CmigHeaderField
{
	const char *key;
	CmigHeaderType type;
	Size		offset;			/* of the field in CmigRevisionText */
	bool		optional;		/* is the line left out if it has no value? */
	bool		is_unmistakable;	/* is a comment in a script that begins
									 * with the key a misplaced header line? */
	const char *of_graph;		/* a hint, if a repeatable revision must not
								 * have the key; otherwise NULL */
} CmigHeaderField;

extern const CmigHeaderField cmig_header_fields[CMIG_KEY_COUNT];

/* Returns a section other than the header. */
extern char **cmig_section_of(CmigRevisionText *revision, CmigSection section);

/*
 * Has the comment the form "-- word: value"?  Sets the bounds of the value,
 * without white space around it.
 */
extern bool cmig_marker_match(const char *start, const char *end, const char *word,
							  const char **value, const char **value_end);

/* Returns the position before the byte order marks that precede p. */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

extern bool cmig_marker_is_blank(char c);

/* Format a date in UTC.  Returns NULL if a header cannot contain it. */
extern char *cmig_marker_format_date(TimestampTz timestamp);

/* A command that prints files, with a "==> name <==" line before each. */
#define CMIG_FILE_START_COMMAND \
	"awk 'FNR == 1 { print \"==> \" FILENAME \" <==\" } { print }' migrations/" "*.sql"

/* A "==> name <==" line. */
typedef struct CmigFileStart
{
	const char *name;
	const char *name_end;
	const char *end;			/* end of the line, without its newline */
} CmigFileStart;

/* What a token is to a reader of files. */
typedef enum CmigMark
{
	CMIG_MARK_NONE,
	CMIG_MARK_FILE,				/* a "==> name <==" line: sets "file" */
	CMIG_MARK_GLUED,			/* a comment that contains the first line of a
								 * revision at "at", without a line break
								 * before it */
	CMIG_MARK_REVISION,			/* the first line of a revision */
	CMIG_MARK_SECTION,			/* a section marker: sets "section" */
	CMIG_MARK_MISPLACED,		/* a section marker that is not alone on its
								 * line: sets "section" */
	CMIG_MARK_HEADER_LINE,		/* a header line in a section */
	CMIG_MARK_OTHER,			/* the first line of another file; "reason" is
								 * a sentence that says why */
	CMIG_MARK_BOM,				/* likewise, with a byte order mark */
	CMIG_MARK_QUOTED			/* a quote that contains the first line of a
								 * file at "at" */
} CmigMark;

typedef struct CmigMarked
{
	int			section;		/* -1 if the marker is not correct */
	const char *at;
	const char *reason;
	CmigFileStart file;
} CmigMarked;

/*
 * Is this the first line of a file, if it is in a quote?  At least one character
 * must precede it.
 */
extern bool cmig_marker_begins_quoted(const char *p);

/*
 * Examines the current token of a section or header, which ends at "end".
 * after_statement is true if SQL precedes it in its section.
 */
extern CmigMark cmig_marker_find(const CmigLexer *lexer, const char *end, CmigSection section,
								 bool after_statement, CmigMarked *marked);

/*
 * The end of the text before p, where a file begins, without white space and
 * byte order marks.
 */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/* in format.c */

/* A header field, other than create_date, in which they differ, or NULL. */
extern const char *cmig_header_difference(const CmigRevisionText *a, const CmigRevisionText *b);

/* in revision_file.c */

/* A revision and the position where it was read. */
typedef struct CmigRevisionFile
{
	CmigRevisionText text;
	int			line;			/* line number of the header in the file,
								 * starting at 1 */
} CmigRevisionFile;

/*
 * Parse one or more revisions (CmigRevisionFile *), with texts in canonical
 * form.  If a header's first line ends in CRLF, every CRLF in the revision
 * becomes LF.  A "==> name <==" line begins a file, which must contain a
 * revision; "name" is that of the text before.  Raises error MG013 with the
 * file and the line in it.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

/* in revisions.c */

/* Does any stored revision replace others? */
extern bool cmig_catalog_has_replacing(void);

extern void cmig_revision_rows_insert_many(const CmigRevisionText *const *revisions,
										   int count);
extern void cmig_revision_rows_replace(const CmigRevisionText *revision);
extern void cmig_revision_rows_delete(const char *revision);

/*
 * Store the positions of scripts in their files, which only messages use.
 * Neither waits nor fails: if they cannot be stored, they remain as they are.
 */
extern void cmig_revision_rows_place(const CmigRevisionText *const *revisions, int count);

/* in journal.c */

/* The last run of a repeatable revision in the current scope. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if the revision has never run */
	bool		reverted;		/* has a downgrade been run since then? */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_read_repeatable(const char *revision);

/* in progress.c */

/*
 * The revision, scope, and direction of each partially applied step anywhere,
 * for cmig_progress_find().
 */
extern List *cmig_progress_everywhere(void);

/*
 * Does a scope still need these replaced revisions, because it has applied
 * only some of them or one of them partially?
 */
extern bool cmig_active_needed_in_scopes(const CmigNames *replaced);

/* in load.c */

/*
 * Load a List of CmigRevisionFile * with the arguments prune and
 * accept_changes (1 and 2), and return the rows.  "function" is for errors.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

/* in directory.c */

/* A file name and the id of its revision. */
typedef struct CmigNamedFile
{
	char	   *name;
	char	   *id;
} CmigNamedFile;

/* The names that a file name template produces for revisions. */
typedef struct CmigFileNames
{
	const char *template;
	List	   *files;			/* of CmigNamedFile * */
	MemoryContext scratch;		/* memory for building one name; reset after
								 * each name */
} CmigFileNames;

extern void cmig_file_names_init(CmigFileNames *list, const char *template);

/* Add a revision's file name to "list", a CmigFileNames *. */
extern void cmig_file_names_add(const CmigRevisionText *revision, void *list);

/* Sort the names, and raise error 22023 if two are the same. */
extern void cmig_file_names_require_distinct(CmigFileNames *list);

#endif							/* CMIG_STORE_INTERNAL_H */
