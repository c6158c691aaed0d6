/*
 * file_name.c
 *	  Builds the names of revision files from a template.
 *
 * A template may contain folders, but an id or a message cannot add any,
 * because slashes in them become underscores.  A dot at the start of an id
 * becomes an underscore, too, because a shell's *.sql and cmig.load_directory
 * would skip a hidden file.
 *
 * A template contains the tokens of Alembic's file_template: %(rev)s for the
 * id, %(slug)s for the message, and, for created_at in UTC, %(epoch)s,
 * %(year)d, %(month).2d, %(day).2d, %(hour).2d, %(minute).2d, and
 * %(second).2d.  A name depends only on the template and the revision, so it
 * is the same in every database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/timestamp.h"

#include "store/store.h"

/*
 * maximum length of a slug in characters, as for Alembic's
 * truncate_slug_length
 */
#define SLUG_LENGTH 40

/* maximum length of a file or folder name, in bytes */
#define MAX_COMPONENT 255
#define MAX_FIELD_WIDTH 100
#define MAX_SHOWN 200			/* maximum bytes of a string in a message */

/*
 * A field of a file name template: %(name)[flags][width][.precision]conversion
 */
typedef struct Field
{
	char	   *name;
	bool		left;			/* was the flag "-" given? */
	bool		zero;			/* was the flag "0" given? */
	int			width;
	int			precision;		/* -1 if none was given */
	char		conversion;		/* "s" or "d" */
} Field;

/* The fields of a template; most are fields of a revision's created_at. */
enum
{
	FIELD_REV,
	FIELD_SLUG,
	FIELD_EPOCH
};

static const struct
{
	const char *name;
	Size		offset;			/* in struct pg_tm */
}			fields[] = {
	{"rev"}, {"slug"}, {"epoch"},
	{"year", offsetof(struct pg_tm, tm_year)},
	{"month", offsetof(struct pg_tm, tm_mon)},
	{"day", offsetof(struct pg_tm, tm_mday)},
	{"hour", offsetof(struct pg_tm, tm_hour)},
	{"minute", offsetof(struct pg_tm, tm_min)},
	{"second", offsetof(struct pg_tm, tm_sec)}
};

pg_noreturn static void
refuse_template(const char *template, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid file name template \"%s\"", cmig_text_shortened(template, MAX_SHOWN)),
			 errdetail("%s", problem),
			 errhint("The tokens are %%(rev)s, %%(slug)s, %%(epoch)s, %%(year)d, %%(month).2d, %%(day).2d, %%(hour).2d, %%(minute).2d, and %%(second).2d; write %%%% for a percent sign.")));
}

/*
 * Read the width or precision of a field, and move *p past it.  Stops reading
 * when the number exceeds MAX_FIELD_WIDTH.
 */
static int
read_number(const char **p)
{
	int			number = 0;

	while (**p >= '0' && **p <= '9' && number <= MAX_FIELD_WIDTH)
		number = number * 10 + *(*p)++ - '0';
	return number;
}

/*
 * Read a template's field, starting after the percent sign, and move *p past
 * it.
 */
static void
read_field(const char *template, const char **p, Field *field)
{
	const char *close = strchr(*p, ')');

	memset(field, 0, sizeof(Field));
	field->precision = -1;
	if (**p != '(' || close == NULL)
		refuse_template(template, "A percent sign is not followed by a name in parentheses.");
	field->name = pnstrdup(*p + 1, close - *p - 1);
	*p = close + 1;
	for (;; (*p)++)
	{
		if (**p == '-')
			field->left = true;
		else if (**p == '0')
			field->zero = true;
		else
			break;
	}
	field->width = read_number(p);
	if (**p == '.')
	{
		(*p)++;
		field->precision = read_number(p);
	}
	if (field->width > MAX_FIELD_WIDTH || field->precision > MAX_FIELD_WIDTH)
		refuse_template(template, "The width of a token is too large.");
	if (**p == '\0' || strchr("sdi", **p) == NULL)
		refuse_template(template,
						psprintf("The token %%(%s) does not end in s or d.",
								 cmig_text_shortened(field->name, MAX_SHOWN)));
	field->conversion = **p == 's' ? 's' : 'd';
	(*p)++;
}

/*
 * Returns true if the character is part of a word, like \w in a regular
 * expression.  The non-ASCII symbols and spaces that occur in messages are not
 * word characters.  If the encoding is unknown (SQL_ASCII, where length is 1),
 * all non-ASCII bytes are word characters.
 */
static bool
is_word_character(const char *p, int length)
{
	pg_wchar	c;

	if (length == 1 && !IS_HIGHBIT_SET(*p))
		return (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= 'a' && *p <= 'z') || *p == '_';
	if (length == 1)
		return true;
	c = utf8_to_unicode((const unsigned char *) p);
	if (c < 0xC0)
		return c == 0xAA || c == 0xB2 || c == 0xB3 || c == 0xB5 ||
			(c >= 0xB9 && c <= 0xBE && c != 0xBB);
	return c != 0xD7 && c != 0xF7 &&	/* multiplication and division signs */
		!(c >= 0x2000 && c <= 0x206F) &&	/* spaces, dashes, quotes */
		!(c >= 0x20A0 && c <= 0x20CF) &&	/* currencies */
		!(c >= 0x2190 && c <= 0x23FF) &&	/* arrows, operators */
		!(c >= 0x2500 && c <= 0x27FF) &&	/* boxes, shapes, dingbats */
		!(c >= 0x3000 && c <= 0x3004) &&	/* East Asian punctuation */
		!(c >= 0xFF00 && c <= 0xFF0F) &&
		!(c >= 0xFE00 && c <= 0xFE0F) &&	/* variation selectors */
		!(c >= 0x1F000 && c <= 0x1FAFF);	/* emoji and similar symbols */
}

/*
 * Append a character, converted to lower case if possible, without using the
 * database's locale.  The length in UTF-8 does not change.
 */
static void
append_lower(StringInfo to, const char *p, int length)
{
	unsigned char buffer[4];
	pg_wchar	c;

	if (length != 2)
	{
		for (int i = 0; i < length; i++)
			appendStringInfoChar(to, pg_ascii_tolower((unsigned char) p[i]));
		return;
	}
	c = utf8_to_unicode((const unsigned char *) p);
	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) ||	/* Latin-1 */
		(c >= 0x391 && c <= 0x3A9) ||	/* Greek */
		(c >= 0x410 && c <= 0x42F)) /* Cyrillic */
		c += 0x20;
	else if (c >= 0x400 && c <= 0x40F)
		c += 0x50;
	else if (c == 0x178)
		c = 0xFF;
	else if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		c += c & 1;
	else if (c >= 0x100 && c <= 0x177 && c != 0x130 && c != 0x131 && c != 0x138)
		c |= 1;
	unicode_to_utf8(c, buffer);
	appendBinaryStringInfo(to, (char *) buffer, length);
}

/*
 * Returns the words of a message in lower case, joined by underscores and
 * truncated at the end of a word.  The conversion uses UTF-8, so the result is
 * the same in all encodings.
 */
static char *
make_slug(const char *message)
{
	bool		unknown = GetDatabaseEncoding() == PG_SQL_ASCII;
	StringInfoData slug;
	int			characters = 0;
	int			cut = -1;		/* offset of the last underscore within
								 * SLUG_LENGTH */
	bool		gap = false;

	initStringInfo(&slug);
	if (!unknown)
		message = pg_server_to_any(message, strlen(message), PG_UTF8);
	for (const char *p = message; *p;)
	{
		int			length = unknown ? 1 : pg_utf_mblen((const unsigned char *) p);

		if (is_word_character(p, length))
		{
			if (gap && slug.len > 0)
			{
				if (characters < SLUG_LENGTH)
					cut = slug.len;
				appendStringInfoChar(&slug, '_');
				characters++;
			}
			gap = false;
			if (*p == '_' && characters < SLUG_LENGTH)
				cut = slug.len;
			append_lower(&slug, p, length);
			characters++;
		}
		else
			gap = true;
		p += length;
	}
	if (characters > SLUG_LENGTH)
	{
		if (cut < 0)
		{
			cut = 0;
			for (int i = 0; i < SLUG_LENGTH; i++)
				cut += unknown ? 1 : pg_utf_mblen((unsigned char *) slug.data + cut);
		}
		slug.len = cut;
		slug.data[slug.len] = '\0';
		appendStringInfoChar(&slug, '_');
	}
	return unknown ? slug.data : pg_any_to_server(slug.data, slug.len, PG_UTF8);
}

/*
 * Returns the value of a date or time field from the revision's created_at, in
 * UTC.
 */
static int64
date_part(int field, const CmigRevisionText *revision)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int64		since;

	if (!revision->edges.has_created_at || TIMESTAMP_NOT_FINITE(revision->edges.created_at) ||
		timestamp2tm(revision->edges.created_at, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" has no date for its file name", revision->edges.id),
				 errhint("Set created_at in cmig.revision, or use a template without dates.")));
	if (field != FIELD_EPOCH)
		return *(int *) ((char *) &tm + fields[field].offset);
	/* seconds since 1970, rounded down */
	since = revision->edges.created_at + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return since / USECS_PER_SEC - (since % USECS_PER_SEC < 0 ? 1 : 0);
}

static void
append_field(StringInfo name, const Field *field, const char *template,
			 const CmigRevisionText *revision)
{
	bool		first = name->len == 0 || name->data[name->len - 1] == '/';
	int			which;
	int			pad;
	char	   *value;

	for (which = 0; which < lengthof(fields); which++)
		if (strcmp(field->name, fields[which].name) == 0)
			break;
	if (which == lengthof(fields))
		refuse_template(template,
						psprintf("There is no token %%(%s).",
								 cmig_text_shortened(field->name, MAX_SHOWN)));
	if (which == FIELD_REV)
	{
		value = pstrdup(revision->edges.id);
		/* the name of a file or folder must not start with a dot */
		if (first && value[0] == '.')
			value[0] = '_';
		for (char *p = value; *p; p++)
			if (*p == '/' || *p == '\\')
				*p = '_';
	}
	else if (which == FIELD_SLUG)
		value = make_slug(revision->edges.message ? revision->edges.message : "");
	else
		value = psprintf("%0*lld", field->conversion == 'd' ? Max(field->precision, 0) : 0,
						 (long long) date_part(which, revision));

	if (which == FIELD_REV || which == FIELD_SLUG)
	{
		if (field->conversion != 's')
			refuse_template(template,
							psprintf("The token %%(%s) is text and must end in s.", field->name));
		if (field->precision >= 0)
			value[pg_mbcharcliplen(value, strlen(value), field->precision)] = '\0';
	}
	pad = field->width - pg_mbstrlen(value);
	if (!field->left)
		while (pad-- > 0)
			appendStringInfoChar(name, field->zero && field->conversion == 'd' ? '0' : ' ');
	appendStringInfoString(name, value);
	while (pad-- > 0)
		appendStringInfoChar(name, ' ');
}

/* Returns the reason why a file name is not valid, or NULL if it is valid. */
static const char *
find_problem(const char *name)
{
	for (const char *p = name; *p; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7F)
			return "It contains a control character.";
		if (*p == '\\')
			return "It contains a backslash.";
	}
	if (name[0] == '/')
		return "It is an absolute path.";
	for (const char *part = name;;)
	{
		int			length = strcspn(part, "/");

		if (length == 0)
			return "It contains a folder with an empty name.";
		if (strncmp(part, ".", length) == 0 || strncmp(part, "..", length) == 0)
			return "It contains a folder \".\" or \"..\", which could lead outside the folder of revision files.";
		if (length > MAX_COMPONENT)
			return psprintf("It is longer than %d bytes.", MAX_COMPONENT);
		if (part[length] == '\0')
			return NULL;
		part += length + 1;
	}
}

char *
cmig_file_name_make(const char *template, const CmigRevisionText *revision)
{
	StringInfoData name;
	const char *problem;

	if (template == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the file name template must not be null"),
				 errhint("Omit the argument to use \"%s\".", CMIG_FILE_NAME_TEMPLATE)));
	initStringInfo(&name);
	for (const char *p = template; *p;)
	{
		Field		field;

		if (*p != '%')
			appendStringInfoChar(&name, *p++);
		else if (p[1] == '%')
		{
			appendStringInfoChar(&name, '%');
			p += 2;
		}
		else
		{
			p++;
			read_field(template, &p, &field);
			append_field(&name, &field, template, revision);
		}
	}
	if (name.len == 0)
		refuse_template(template, *template ? psprintf("It gives revision \"%s\" an empty name.",
													   revision->edges.id) : "It is empty.");
	if (name.len < 4 || strcmp(name.data + name.len - 4, ".sql") != 0)
		appendStringInfoString(&name, ".sql");
	problem = find_problem(name.data);
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file name template \"%s\" gives revision \"%s\" the invalid name \"%s\"",
						cmig_text_shortened(template, MAX_SHOWN), revision->edges.id,
						cmig_text_shortened(name.data, MAX_SHOWN)),
				 errdetail("%s", problem),
				 errhint("The name must be a relative path inside the folder of revision files.")));
	return name.data;
}
